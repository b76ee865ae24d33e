import { Secret } from '../../core/secret.ts';
import type { Authorization, AuthStrategy } from './auth-strategy.ts';

/** Sends a fixed key with every request. A refusal stands: no person is asked. */
export class ApiKeyStrategy implements AuthStrategy {
  readonly #key: Secret;
  readonly #headerName: string;

  /** @param options `headerName` defaults to `X-API-Key`. For `Authorization`, the key includes its scheme. */
  constructor(options: { key: string | Secret; headerName?: string | undefined }) {
    this.#key = options.key instanceof Secret ? options.key : new Secret(options.key);
    this.#headerName = options.headerName ?? 'X-API-Key';
  }

  authorize(): Promise<Authorization> {
    return Promise.resolve({ headers: { [this.#headerName]: this.#key.reveal() } });
  }

  handleRefusal(): Promise<boolean> {
    return Promise.resolve(false);
  }
}
