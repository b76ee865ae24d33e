import { createOAuthHttp, type OAuthHttp } from '../oauth/oauth-http.ts';
import { ShortMemory } from './short-memory.ts';

const rememberedMs = 60_000;

/** How the AT Protocol network is reached. */
export interface AtprotoNetworkOptions {
  /** Requests to PDSs, authorization servers and the PLC directory. Default: `createOAuthHttp()`. */
  readonly http?: OAuthHttp | undefined;
  /** Where the documents of `did:plc:` are. Default `https://plc.directory`. */
  readonly plcDirectoryUrl?: string | undefined;
  /** A service that is asked for the DID of a handle, such as one's own PDS. Default: DNS and https, as the protocol says. */
  readonly handleResolver?: string | undefined;
}

/** By the names that the official client has for them. */
interface Remembered {
  readonly dpopNonceCache: ShortMemory<string>;
  readonly authorizationServerMetadataCache: ShortMemory<unknown>;
  readonly protectedResourceMetadataCache: ShortMemory<unknown>;
}

/** The AT Protocol network, the public one by default. One for a process: it remembers what its servers say of themselves. */
export class AtprotoNetwork {
  readonly http: OAuthHttp;
  readonly plcDirectoryUrl: string | undefined;
  readonly handleResolver: string | undefined;
  /** What may be forgotten, for the official client: nonces, and what servers say of themselves. */
  readonly remembered: Remembered = {
    dpopNonceCache: new ShortMemory(rememberedMs),
    authorizationServerMetadataCache: new ShortMemory(rememberedMs),
    protectedResourceMetadataCache: new ShortMemory(rememberedMs),
  };

  constructor(options: AtprotoNetworkOptions = {}) {
    this.http = options.http ?? createOAuthHttp();
    this.plcDirectoryUrl = options.plcDirectoryUrl;
    this.handleResolver = options.handleResolver;
  }
}
