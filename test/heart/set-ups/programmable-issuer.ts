import type { ProgrammableAuthorizationServer } from '../../support/programmable-authorization-server.ts';
import type { Issuer } from './set-up.ts';

/** An authorization server, as the cases of the table see it. */
export function issuerOf(as: ProgrammableAuthorizationServer): Issuer {
  let isBusy = false;
  let revokes = true;
  let exchange: (() => void | Promise<void>) | undefined;
  let renewal: (() => void | Promise<void>) | undefined;
  as.on('token', async () => {
    await exchange?.();
    return isBusy ? { status: 503 } : undefined;
  });
  as.on('refresh', async () => {
    await renewal?.();
    return isBusy ? { status: 503 } : undefined;
  });
  as.on('revoke', () => (revokes ? undefined : { status: 503 }));
  return {
    exchanges: () => as.count('token'),
    renewals: () => as.count('refresh'),
    ended: () => as.tokens.families.map(({ revoked }) => revoked),
    setBusy: (busy) => void (isBusy = busy),
    onExchange: (call) => void (exchange = call),
    onRenewal: (call) => void (renewal = call),
    setRevoking: (works) => void (revokes = works),
    endAll: () => as.tokens.revokeAll(),
  };
}
