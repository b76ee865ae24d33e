import { describe, expect, test } from 'vitest';
import { deviceCode } from '../../../src/oob/index.ts';
import { openFlowStage, planFor } from '../../support/flow-stage.ts';
import { expire, fateOf, fatesOf, faults, resource, withdraw } from './consents.ts';

describe('a code that was sent', () => {
  test.each(faults)('is kept, whichever one call to the store does %s after it', async (fault) => {
    const fates = await fatesOf(fault);
    expect(fates.length).toBeGreaterThan(2);
    expect(new Set(fates)).toEqual(new Set(['kept']));
  });

  test.each(faults)(
    'while time ended its link is kept, whichever one call to the store does %s after it (issue 8.13)',
    async (fault) => {
      const fates = await fatesOf(fault, { whileExchanging: expire });
      expect(fates.length).toBeGreaterThan(2);
      expect(new Set(fates)).toEqual(new Set(['kept']));
    },
  );

  test.each(faults)(
    'while its link was withdrawn is given back, whichever one call to the store does %s after it',
    async (fault) => {
      const fates = await fatesOf(fault, { whileExchanging: withdraw });
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
