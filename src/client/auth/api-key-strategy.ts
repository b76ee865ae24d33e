import { isHeaderValue } from '../../core/header-value.ts';
import { PosternError } from '../../core/postern-error.ts';
import { Secret } from '../../core/secret.ts';
import type { Authorization, AuthStrategy } from './auth-strategy.ts';

/** Sends a fixed key with every request. A refusal stands: no person is asked. */
export class ApiKeyStrategy implements AuthStrategy {
  readonly #key: Secret;
  readonly #headerName: string;

  /**
   * @param options `headerName` defaults to `X-API-Key`. For `Authorization`, the key includes its scheme.
   * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when no header can carry the key.
   */
  constructor(options: { key: string | Secret; headerName?: string | undefined }) {
    this.#key = options.key instanceof Secret ? options.key : new Secret(options.key);
    if (!isHeaderValue(this.#key.reveal())) {
      throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', 'no header can carry the API key', {
        hint: 'A key is one line of Latin-1, at most 16,000 characters. Look for a line break at its end.',
      });
    }
    this.#headerName = options.headerName ?? 'X-API-Key';
  }

  authorize(): Promise<Authorization> {
    return Promise.resolve({ headers: { [this.#headerName]: this.#key.reveal() } });
  }

  handleRefusal(): Promise<boolean> {
    return Promise.resolve(false);
  }
}
