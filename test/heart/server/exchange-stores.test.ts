import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { generateKeyText, keyringFromText, type StorageBackend } from '../../../src/index.ts';
import { allowPrivateNetwork, createOAuthHttp } from '../../../src/oauth/index.ts';
import { oauthRedirect } from '../../../src/oob/index.ts';
import { openChaosStore, type ChaosStore } from '../../chaos/stores.ts';
import { dropSchema, PostgresPlace } from '../../storage/postgres-place.ts';
import { callbackOf, openFlowStage, planFor } from '../../support/flow-stage.ts';
import { openStorageUrl } from '../../support/open-storage.ts';
import { describeWithService } from '../../support/services.ts';
import { expire, fateOf, fatesOf, faults, withdraw } from './consents.ts';

/** Opens a store that is closed when the test is over. */
async function open(where: string): Promise<StorageBackend> {
  const storage = await openStorageUrl(where, { keyring: keyringFromText(generateKeyText()) });
  onTestFinished(() => storage.close());
  return storage;
}

/** A link that expires, by the store's own time, while the code is being exchanged. */
async function expireDuringExchange(where: string): Promise<string> {
  const storage = await open(where);
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

/** @param whereIs a store of this test's own. */
function onStore(whereIs: () => string): void {
  const outcomes = [
    { when: 'with its link alive', whileExchanging: undefined, fate: 'kept' },
    { when: 'while time ended its link', whileExchanging: expire, fate: 'kept' },
    { when: 'while its link was withdrawn', whileExchanging: withdraw, fate: 'revoked' },
  ] as const;
  for (const { when, whileExchanging, fate } of outcomes) {
    test.each(faults)(
      `that is sent ${when}: what it brings is ${fate}, whichever one call to the store does %s after it (issue 8.13)`,
      async (fault) => {
        const fates = await fatesOf(fault, { whileExchanging, store: await open(whereIs()) });
        expect(fates.length).toBeGreaterThan(2);
        expect(new Set(fates)).toEqual(new Set([fate]));
      },
      60_000,
    );
  }

  test('while time by the store’s own clock ends its link: the grant is not lost (issue 8.13)', async () => {
    expect(['kept', 'revoked']).toContain(await expireDuringExchange(whereIs()));
  }, 30_000);
}

function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-exchange-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('a code, on SQLite,', () => {
  onStore(() => `sqlite:${join(ownFolder(), 'store.db')}`);
});

describe('a code, on DynamoDB,', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-exchange-'));
  let store: ChaosStore;
  beforeAll(async () => {
    store = await openChaosStore('dynamodb', folder);
  });
  afterAll(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  onStore(() => store.urlAt(store.port));
});

await describeWithService('redis', 'a code, on Redis,', ({ where }) => {
  onStore(() => `${where}?prefix=exchange-${crypto.randomUUID()}`);
});

await describeWithService('postgres', 'a code, on PostgreSQL,', ({ where }) => {
  const { schema } = new PostgresPlace(where);
  afterAll(() => dropSchema(where, schema));
  onStore(() => `${where}?schema=${schema}`);
});
