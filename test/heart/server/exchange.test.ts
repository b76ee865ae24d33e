import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { generateKeyText, keyringFromText } from '../../../src/index.ts';
import { allowPrivateNetwork, createOAuthHttp } from '../../../src/oauth/index.ts';
import { deviceCode, oauthRedirect, type NamedFlow, type OAuthCredential } from '../../../src/oob/index.ts';
import type { StorageFault } from '../../support/faulty-storage.ts';
import {
  callbackOf,
  openFlowStage,
  planFor,
  redirectFlow,
  type FlowStage,
} from '../../support/flow-stage.ts';
import { openStorageUrl } from '../../support/open-storage.ts';
import { placeFor } from '../../storage/postgres-place.ts';
import { describeWithService } from '../../support/services.ts';

const faults = ['fail', 'lose-answer'] as const;
const resource = 'calendar.example';

/**
 * What has become of a grant that was obtained. `lost`: nobody has it, and its tokens live on at the issuer. `dead`: it is
 * given out, and has been revoked.
 */
async function fateOf(
  stage: FlowStage,
  flow: NamedFlow<OAuthCredential>,
): Promise<'kept' | 'revoked' | 'lost' | 'dead'> {
  const principal = await stage.principal('alice');
  const held = await stage.oob.credentials.acquire(principal, { resource, flow }).catch(() => undefined);
  const revoked = stage.as.count('revoke') > 0;
  if (held === undefined) return revoked ? 'revoked' : 'lost';
  return revoked ? 'dead' : 'kept';
}

/** A consent that fails at one call to the store after its code was sent; `undefined` when there are not that many. */
async function consentFailingAt(
  failing: number,
  fault: StorageFault,
  whileExchanging: (stage: FlowStage) => Promise<void> = async () => {},
): Promise<string | undefined> {
  const stage = await openFlowStage();
  const flow = redirectFlow(stage);
  const { url } = await stage.linkOf('alice', flow);
  const browser = await stage.host.openBrowser('alice');
  const callback = await callbackOf(browser, url);
  let isExchanged = false;
  stage.as.on('token', async () => {
    await whileExchanging(stage);
    isExchanged = true;
    return undefined;
  });
  let calls = 0;
  stage.storage.fault = () => (isExchanged && calls++ === failing ? fault : undefined);
  await browser.open(callback.href);
  stage.storage.fault = () => undefined;
  return calls > failing ? fateOf(stage, flow) : undefined;
}

/** The fates of consents each of which fails at another call. */
async function fatesOf(
  fault: StorageFault,
  whileExchanging?: (stage: FlowStage) => Promise<void>,
): Promise<string[]> {
  const fates: string[] = [];
  for (;;) {
    const fate = await consentFailingAt(fates.length, fault, whileExchanging);
    if (fate === undefined) return fates;
    fates.push(fate);
  }
}

describe('a code that was sent', () => {
  test.each(faults)('is kept, whichever one call to the store does %s after it', async (fault) => {
    const fates = await fatesOf(fault);
    expect(fates.length).toBeGreaterThan(2);
    expect(new Set(fates)).toEqual(new Set(['kept']));
  });

  test.each(faults)(
    'while time ended its link is kept, whichever one call to the store does %s after it (issue 8.13)',
    async (fault) => {
      const fates = await fatesOf(fault, async (stage) => stage.time.advance(11 * 60_000));
      expect(fates.length).toBeGreaterThan(2);
      expect(new Set(fates)).toEqual(new Set(['kept']));
    },
  );

  test.each(faults)(
    'while its link was withdrawn is given back, whichever one call to the store does %s after it',
    async (fault) => {
      const fates = await fatesOf(fault, async (stage) =>
        stage.oob.credentials.withdraw(await stage.principal('alice'), resource),
      );
      expect(new Set(fates)).toEqual(new Set(['revoked']));
    },
  );

  test.each(faults)(
    'for a device is kept or given back, whichever one call to the store does %s after it',
    async (fault) => {
      const fates: string[] = [];
      for (let over = false; !over;) {
        const stage = await openFlowStage({ oob: { watchLeaseMs: 500 } });
        const device = { device_code: 'd', user_code: 'WDJB', expires_in: 600, interval: 0.02 };
        stage.as.on('device', () => ({ body: { ...device, verification_uri: `${stage.as.origin}/enter` } }));
        let isGranted = false;
        stage.as.on('token', () => {
          isGranted = true;
          return { body: { access_token: 't', token_type: 'Bearer', expires_in: 3600 } };
        });
        let calls = 0;
        stage.storage.fault = () => (isGranted && calls++ === fates.length ? fault : undefined);
        const flow = stage.oob.flow(
          'device',
          deviceCode({ http: stage.http, authorize: () => planFor(stage.as, '') }),
        );
        const principal = await stage.principal('alice');
        await stage.oob.credentials
          .acquire(principal, { resource, flow }, { waitMs: 10_000 })
          .catch(() => {});
        stage.storage.fault = () => undefined;
        over = calls <= fates.length || fates.length > 8;
        if (!over) fates.push(await fateOf(stage, flow));
      }
      expect(fates.filter((fate) => fate !== 'kept' && fate !== 'revoked')).toEqual([]);
    },
  );
});

/** A link that expires, by the store's own time, while the code is being exchanged. */
async function expireDuringExchange(where: string): Promise<string> {
  const storage = await openStorageUrl(where, { keyring: keyringFromText(generateKeyText()) });
  onTestFinished(() => storage.close());
  const stage = await openFlowStage({ oob: { storage, leaseMs: 61_000 } });
  const base = oauthRedirect({
    http: createOAuthHttp({ [allowPrivateNetwork]: true, timeoutMs: 30_000 }),
    authorize: ({ redirectUri }) => planFor(stage.as, redirectUri),
  });
  const flow = stage.oob.flow('consent', {
    ...base,
    begin: async (beginning) => ({ ...(await base.begin(beginning)), ttlMs: 3_000 }),
  });
  const { url, expiresAtMs } = await stage.linkOf('alice', flow);
  const browser = await stage.host.openBrowser('alice');
  const callback = await callbackOf(browser, url);
  stage.as.on('token', async () => {
    await new Promise((resolve) => setTimeout(resolve, expiresAtMs - Date.now() + 300));
    return undefined;
  });
  await browser.open(callback.href);
  return fateOf(stage, flow);
}

describe('a link that expires while its code is being exchanged', () => {
  test('loses no grant on SQLite', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-exchange-'));
    const fate = await expireDuringExchange(`sqlite:${join(folder, 'store.db')}`);
    expect(['kept', 'revoked']).toContain(fate);
  });
});
await describeWithService('redis', 'a link that expires while its code is being exchanged', ({ where }) => {
  test('loses no grant on Redis', async () => {
    const fate = await expireDuringExchange(`${where}?prefix=exchange-${crypto.randomUUID()}`);
    expect(['kept', 'revoked']).toContain(fate);
  });
});
await describeWithService(
  'postgres',
  'a link that expires while its code is being exchanged',
  ({ where }) => {
    test('loses no grant on PostgreSQL', async () => {
      const fate = await expireDuringExchange(`${where}?schema=${placeFor(where).schema}`);
      expect(['kept', 'revoked']).toContain(fate);
    });
  },
);
