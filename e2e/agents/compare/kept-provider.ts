import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KeptSignIn } from './player.ts';

type Tokens = NonNullable<KeptSignIn['tokens']>;

/**
 * The provider that a careful host writes for its framework's client of MCP: what it knows of a user is in a file of that
 * user's, read anew each time, and replaced whole.
 */
export class KeptProvider {
  readonly redirectUrl = 'http://127.0.0.1/callback';
  readonly clientMetadata = {
    client_name: 'compare',
    redirect_uris: [this.redirectUrl],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
  readonly #path: string;
  #verifier = '';

  constructor(directory: string, user: string) {
    this.#path = join(directory, `${user}.json`);
  }

  clientInformation(): { client_id: string } {
    return { client_id: this.#read().client_id };
  }

  authorizationServerInformation(): KeptSignIn['server'] {
    return this.#read().server;
  }

  /** It is known from the sign-in, and stays. */
  saveAuthorizationServerInformation(): void {}

  tokens(): Tokens | undefined {
    return this.#read().tokens;
  }

  saveTokens(tokens: Tokens): void {
    this.#write({ ...this.#read(), tokens });
  }

  /** Only what was refused, where that is said. */
  invalidateCredentials(scope: string, context?: { tokens?: { refresh_token?: string } }): void {
    const { tokens, ...rest } = this.#read();
    const others = context?.tokens && context.tokens.refresh_token !== tokens?.refresh_token;
    if ((scope === 'all' || scope === 'tokens') && others !== true) this.#write(rest);
  }

  /** Nobody follows it: in these stories nobody has to sign in again. */
  redirectToAuthorization(): void {}

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  #read(): KeptSignIn {
    return JSON.parse(readFileSync(this.#path, 'utf8')) as KeptSignIn;
  }

  #write(kept: KeptSignIn): void {
    const aside = `${this.#path}.${process.pid}`;
    writeFileSync(aside, JSON.stringify(kept));
    renameSync(aside, this.#path);
  }
}
