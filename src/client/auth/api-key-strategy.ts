import { isHeaderValue } from '../../core/header-value.ts';
import { PosternError } from '../../core/postern-error.ts';
import { Secret } from '../../core/secret.ts';
import type { Authorization, AuthStrategy } from './auth-strategy.ts';

/** Sends a fixed key with every request. A refusal stands: no person is asked. */
export class ApiKeyStrategy implements AuthStrategy {
  readonly #key: Secret | (() => Promise<string>);
  readonly #headerName: string;

  /**
   * @param options `headerName` defaults to `X-API-Key`. For `Authorization`, the key includes its scheme. A function is
   * asked for the key before each request.
   * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when no header can carry the key.
   */
  constructor(options: { key: string | Secret | (() => Promise<string>); headerName?: string | undefined }) {
    const { key } = options;
    this.#key = typeof key === 'string' ? new Secret(key) : key;
    if (this.#key instanceof Secret && !isHeaderValue(this.#key.reveal())) {
      throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', 'no header can carry the API key', {
        hint: 'A key is one line of Latin-1, at most 16,000 characters. Look for a line break at its end.',
      });
    }
    this.#headerName = options.headerName ?? 'X-API-Key';
  }

  async authorize(): Promise<Authorization> {
    const key = this.#key instanceof Secret ? this.#key.reveal() : await this.#key();
    return { headers: { [this.#headerName]: key } };
  }

  handleRefusal(): Promise<boolean> {
    return Promise.resolve(false);
  }
}
