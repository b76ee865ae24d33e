import type { SecretFormOptions } from '../../../src/oob/index.ts';
import type { Issuer } from './set-up.ts';

/** The service that a secret is for, and how it tries one. */
export interface SecretService {
  readonly issuer: Issuer;
  readonly goodPassword: string;
  readonly test: NonNullable<SecretFormOptions['test']>;
}

export function createSecretService(): SecretService {
  const goodPassword = 'CNRYzsecretz-good';
  let tries = 0;
  let isBusy = false;
  let exchange: (() => void | Promise<void>) | undefined;
  const never = (): never => {
    throw new Error('a secret is neither renewed nor revoked');
  };
  return {
    goodPassword,
    test: async ({ password }) => {
      tries++;
      await exchange?.();
      if (isBusy) throw new Error('the service is busy');
      return password === goodPassword ? 'accepted' : 'rejected';
    },
    issuer: {
      exchanges: () => tries,
      setBusy: (busy) => void (isBusy = busy),
      onExchange: (call) => void (exchange = call),
      renewals: never,
      ended: never,
      onRenewal: never,
      setRevoking: never,
      endAll: never,
    },
  };
}
