import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import {
  Client,
  StreamableHTTPClientTransport,
  UnauthorizedError,
  type OAuthClientInformationMixed,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type OAuthTokens,
} from '@modelcontextprotocol/client';
import { Browser } from './browser.ts';
import { clientInfo, echoCall, peerRedirectUrl, type LoggedInClient } from './logged-in-client.ts';

interface Remembered {
  client?: OAuthClientInformationMixed;
  tokens?: OAuthTokens;
  discovery?: OAuthDiscoveryState;
}

/** A provider as the SDK's guide describes one; with a path, it keeps what it knows in a file that processes share. */
export class SdkProvider implements OAuthClientProvider {
  readonly redirectUrl = peerRedirectUrl;
  readonly clientMetadata: OAuthClientMetadata = { client_name: 'bench', redirect_uris: [peerRedirectUrl] };
  readonly #path: string | undefined;
  #memory: Remembered = {};
  #verifier = '';
  lastState: string | undefined;
  authorizationUrl: URL | undefined;
  /** The state of each login that was asked for. */
  readonly logins: string[] = [];

  constructor(path?: string) {
    this.#path = path;
  }

  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.#read().client;
  }

  saveClientInformation(client: OAuthClientInformationMixed): void {
    this.#write({ ...this.#read(), client });
  }

  tokens(): OAuthTokens | undefined {
    return this.#read().tokens;
  }

  saveTokens(tokens: OAuthTokens): void {
    this.#write({ ...this.#read(), tokens });
  }

  state(): string {
    this.lastState = crypto.randomUUID();
    return this.lastState;
  }

  saveDiscoveryState(discovery: OAuthDiscoveryState): void {
    this.#write({ ...this.#read(), discovery });
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#read().discovery;
  }

  redirectToAuthorization(url: URL): void {
    this.authorizationUrl = url;
    this.logins.push(url.searchParams.get('state') ?? '');
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  invalidateCredentials(scope: string): void {
    const { tokens, client, discovery } = this.#read();
    const keepsTokens = scope !== 'all' && scope !== 'tokens';
    const keepsClient = scope !== 'all' && scope !== 'client';
    this.#write({
      ...(keepsTokens && tokens && { tokens }),
      ...(keepsClient && client && { client }),
      ...(discovery && { discovery }),
    });
  }

  #read(): Remembered {
    if (this.#path === undefined) return this.#memory;
    return existsSync(this.#path) ? (JSON.parse(readFileSync(this.#path, 'utf8')) as Remembered) : {};
  }

  #write(remembered: Remembered): void {
    if (this.#path === undefined) this.#memory = remembered;
    else {
      const aside = `${this.#path}.${process.pid}`;
      writeFileSync(aside, JSON.stringify(remembered));
      renameSync(aside, this.#path);
    }
  }
}

/** Runs up to the point where the person is in the browser, and returns the transport that waits for them. */
export async function startSdkLogin(
  mcpUrl: string,
  provider: SdkProvider,
): Promise<StreamableHTTPClientTransport> {
  const transport = new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider: provider });
  try {
    await new Client(clientInfo).connect(transport);
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    return transport;
  }
  throw new Error('the server asked for no login');
}

/** A client with a provider that has a grant. */
export async function resumeSdk(mcpUrl: string, provider: SdkProvider): Promise<LoggedInClient> {
  const client = new Client(clientInfo);
  await client.connect(new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider: provider }));
  const before = provider.logins.length;
  return {
    call: () => client.callTool(echoCall),
    loginsAsked: () => provider.logins.slice(before),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** Logs in, in a browser that is asked once. */
export async function logInSdk(mcpUrl: string, provider: SdkProvider): Promise<void> {
  const transport = await startSdkLogin(mcpUrl, provider);
  const callback = await new Browser().consent(provider.authorizationUrl ?? '');
  await transport.finishAuth(callback.searchParams);
}
