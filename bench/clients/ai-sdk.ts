import { importBesidePeers } from '../peers.ts';
import { Browser } from './browser.ts';
import { clientInfo, echoCall, peerRedirectUrl, type LoggedInClient } from './logged-in-client.ts';

/** What the probes use of `@ai-sdk/mcp`. Written here, because the package is not part of the main install. */
export interface AiSdk {
  auth(
    provider: AiSdkProvider,
    options: { serverUrl: string; authorizationCode?: string; callbackState?: string },
  ): Promise<'AUTHORIZED' | 'REDIRECT'>;
  createMCPClient(config: {
    transport: {
      type: 'http';
      url: string;
      authProvider?: AiSdkProvider;
      headers?: Record<string, string>;
    };
    clientName: string;
    protocolVersionDiscovery: boolean;
    onUncaughtError: (error: unknown) => void;
  }): Promise<{
    callTool(call: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
    close(): Promise<void>;
  }>;
}

/** Loads the package. Ask first whether the peers are installed. */
export async function loadAiSdk(): Promise<AiSdk> {
  return (await importBesidePeers('ai-sdk.mjs')) as AiSdk;
}

/** A provider with everything in memory. Without `keepsState` it has no state, like the one of the package's example. */
export class AiSdkProvider {
  readonly redirectUrl = peerRedirectUrl;
  readonly clientMetadata = {
    client_name: 'bench',
    redirect_uris: [peerRedirectUrl],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
  readonly state: (() => string) | undefined;
  #tokens: Record<string, unknown> | undefined;
  #client: Record<string, unknown> | undefined;
  #server: unknown;
  #state: string | undefined;
  #verifier = '';
  authorizationUrl: URL | undefined;
  /** The challenge of each login that was asked for. */
  readonly logins: string[] = [];

  constructor(options: { keepsState: boolean }) {
    this.state = options.keepsState ? () => crypto.randomUUID() : undefined;
  }

  tokens(): Record<string, unknown> | undefined {
    return this.#tokens;
  }

  saveTokens(tokens: Record<string, unknown>): void {
    this.#tokens = tokens;
  }

  clientInformation(): Record<string, unknown> | undefined {
    return this.#client;
  }

  saveClientInformation(client: Record<string, unknown>): void {
    this.#client = client;
  }

  authorizationServerInformation(): unknown {
    return this.#server;
  }

  saveAuthorizationServerInformation(server: unknown): void {
    this.#server = server;
  }

  saveState(state: string): void {
    this.#state = state;
  }

  storedState(): string | undefined {
    return this.#state;
  }

  redirectToAuthorization(url: URL): void {
    this.authorizationUrl = url;
    this.logins.push(url.searchParams.get('code_challenge') ?? '');
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  /** Deletes only the tokens that were refused, as the interface asks. */
  invalidateCredentials(scope: string, context?: { tokens: Record<string, unknown> }): void {
    const others = context !== undefined && context.tokens.refresh_token !== this.#tokens?.refresh_token;
    if ((scope === 'all' || scope === 'tokens') && !others) this.#tokens = undefined;
    if (scope === 'all' || scope === 'client') this.#client = undefined;
  }
}

/** A client with a provider that has a grant. */
export async function resumeAiSdk(
  ai: AiSdk,
  mcpUrl: string,
  provider: AiSdkProvider,
): Promise<LoggedInClient> {
  const client = await ai.createMCPClient({
    transport: { type: 'http', url: mcpUrl, authProvider: provider },
    clientName: clientInfo.name,
    protocolVersionDiscovery: false,
    // What a call meets, the call rejects with; this is for the rest, and would be printed.
    onUncaughtError: () => {},
  });
  const before = provider.logins.length;
  return {
    call: () => client.callTool(echoCall),
    loginsAsked: () => provider.logins.slice(before),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** Logs in, in a browser that is asked once. */
export async function logInAiSdk(ai: AiSdk, mcpUrl: string, provider: AiSdkProvider): Promise<void> {
  await ai.auth(provider, { serverUrl: mcpUrl });
  const { searchParams } = await new Browser().consent(provider.authorizationUrl ?? '');
  await ai.auth(provider, {
    serverUrl: mcpUrl,
    authorizationCode: searchParams.get('code') ?? '',
    callbackState: searchParams.get('state') ?? '',
  });
}
