import type { FormValues } from '../../web/form-schema.ts';
import type { ApiKeyConfig } from '../server-config.ts';
import type { Authorization, AuthStrategy, AuthStrategyDeps, Refusal } from './auth-strategy.ts';
import { keyForm, keyKind } from './key-form.ts';
import { PersonCredential } from './person-credential.ts';

/** A key as it was sent. */
interface SentKey {
  readonly version: string;
  /** Whether the server had let it in by then. */
  readonly wasAccepted: boolean;
}

/** Sends a key that the context's person enters into a form of ours, when the server first refuses to go on without. */
export class AskedKeyStrategy implements AuthStrategy {
  readonly takesBare403 = true;
  readonly #headerName: string;
  readonly person: PersonCredential<FormValues>;
  /** The version of the key that the server has let in since it last refused anything. */
  #accepted: string | undefined;

  constructor(deps: AuthStrategyDeps, { headerName = 'X-API-Key' }: Pick<ApiKeyConfig, 'headerName'>) {
    this.#headerName = headerName;
    this.person = new PersonCredential(deps, {
      kind: keyKind,
      flow: async () => ({ name: 'api_key', flow: await keyForm() }),
    });
  }

  async authorize(): Promise<Authorization> {
    const held = await this.person.current();
    if (held === undefined) return { headers: {} };
    const credential: SentKey = { version: held.version, wasAccepted: held.version === this.#accepted };
    return { headers: { [this.#headerName]: String(held.credential['key']) }, credential };
  }

  accepted({ credential }: Authorization): void {
    this.#accepted = (credential as SentKey | undefined)?.version;
  }

  async handleRefusal({ response, authorization }: Refusal): Promise<boolean> {
    const sent = authorization.credential as SentKey | undefined;
    const held = await this.person.read();
    if (held !== undefined && held.version !== sent?.version) return true;
    if (response.status === 403) {
      this.#accepted = undefined;
      // Whoever was let in with it may not do this one thing, or may not any more: what is sent next shows which.
      if (sent?.wasAccepted === true) return false;
      // A 403 has many reasons, some of which pass: the key stays until there is another.
    } else if (held !== undefined) await this.person.refused(held.version);
    await this.person.ask({ refused: sent?.version, scopes: [] });
    return true;
  }

  /** The server may refuse a key that it has let in before: then the person is asked for another. */
  startOver(): Promise<void> {
    this.#accepted = undefined;
    return Promise.resolve();
  }
}
