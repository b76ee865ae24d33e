import type { FormValues } from '../../web/form-schema.ts';
import type { ApiKeyConfig } from '../server-config.ts';
import type {
  Authorization,
  AuthStrategy,
  AuthStrategyDeps,
  LogoutResult,
  Refusal,
} from './auth-strategy.ts';
import type { AuthChallenge } from './authorization-required-error.ts';
import { keyForm, keyKind } from './key-form.ts';
import { PersonCredential } from './person-credential.ts';

/** Sends a key that the context's person enters into a form of ours, when the server first refuses to go on without. */
export class AskedKeyStrategy implements AuthStrategy {
  readonly #headerName: string;
  readonly #key: PersonCredential<FormValues>;

  constructor(deps: AuthStrategyDeps, { headerName = 'X-API-Key' }: Pick<ApiKeyConfig, 'headerName'>) {
    this.#headerName = headerName;
    this.#key = new PersonCredential(deps, keyKind, async () => ({ name: 'api_key', flow: await keyForm() }));
  }

  async authorize(): Promise<Authorization> {
    const held = await this.#key.current();
    if (held === undefined) return { headers: {} };
    return { headers: { [this.#headerName]: String(held.credential['key']) }, credential: held.version };
  }

  async handleRefusal({ response, authorization }: Refusal): Promise<boolean> {
    if (response.status !== 401) return false;
    const refused = authorization.credential as string | undefined;
    const held = await this.#key.read();
    if (held !== undefined && held.version !== refused) return true;
    if (held !== undefined) await this.#key.refused(held.version);
    await this.#key.ask({ refused, scopes: [] });
    return true;
  }

  findChallenge(): Promise<AuthChallenge | undefined> {
    return this.#key.findChallenge();
  }

  renewChallenge(): Promise<AuthChallenge | undefined> {
    return this.#key.renewChallenge();
  }

  askAgain(): Promise<void> {
    return this.#key.askAgain();
  }

  logout(): Promise<LogoutResult> {
    return this.#key.logout();
  }
}
