import type { IncomingHttpHeaders } from 'node:http';
import {
  calculateJwkThumbprint,
  decodeProtectedHeader,
  decodeJwt,
  generateKeyPair,
  SignJWT,
  type GenerateKeyPairResult,
  type JWK,
} from 'jose';
import { watchFor } from './outputs.ts';
import { responseOf, type Reply } from './programmable-reply.ts';
import {
  ProgrammableTokens,
  randomText,
  type IssuedTokens,
  type TokenFamily,
  type TokenRules,
} from './programmable-tokens.ts';

/** What a request was for. Everything that has no better name is `other`. */
export type CallKind =
  | 'resource-metadata'
  | 'metadata'
  | 'authorize'
  | 'par'
  | 'register'
  | 'token'
  | 'refresh'
  | 'revoke'
  | 'device'
  | 'resource'
  | 'other';

/** A kind of call that has an endpoint in the metadata. */
export type EndpointKind = 'authorize' | 'token' | 'register' | 'revoke' | 'device' | 'par';

/** One request, as much of it as the server looks at. */
export interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** One request as it arrived. */
export interface Call extends Asked {
  readonly kind: CallKind;
  /** Which of its kind it is, from 1. */
  readonly count: number;
  readonly form: URLSearchParams;
}

/**
 * Answers a call in place of the server, or leaves it to the server by returning `undefined`.
 *
 * `standard` gives the answer that the server would have given; it is worked out once for each time it is asked for.
 */
export type Override = (
  call: Call,
  standard: () => Promise<Reply>,
) => Reply | undefined | Promise<Reply | undefined>;

export interface ProgrammableAuthorizationOptions extends TokenRules {
  /** Path of the issuer. Default: none. */
  readonly issuerPath?: string;
  /** The issuer, where it is not at the origin. */
  readonly issuer?: string;
  /** The attached resource, where it is not at the origin. */
  readonly resource?: string;
  /** Where its endpoints are, whole URLs. Default: below the issuer, each at its kind's name. */
  readonly endpoints?: Partial<Record<EndpointKind, string>>;
  /** Where its metadata is, whole URLs. Default: at the well-known place of RFC 8414. */
  readonly metadataAt?: readonly string[];
  /** Laid over the metadata; `undefined` takes a field out. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Laid over the protected-resource metadata. */
  readonly resourceMetadata?: Readonly<Record<string, unknown>>;
  /** Path of the attached resource. Default `/mcp`. */
  readonly resourcePath?: string;
  /** What the resource answers to whoever has a live token. Default: whose token it is, as JSON. */
  readonly serve?: (call: Call, owner: TokenFamily) => Reply | Promise<Reply>;
  /** Default an hour. */
  readonly expiresInSeconds?: number | (() => number);
  /** Who approves at the authorization endpoint. Default `user-1`. */
  readonly subject?: string;
  /** What an ID token says of a subject beside its name. */
  readonly claims?: (subject: string) => Readonly<Record<string, unknown>>;
  /** Decides for each request of a browser; else whoever comes is the subject, and approves. */
  readonly decide?: (call: Call) => { readonly subject: string; readonly approves: boolean };
  /** Wants this nonce in every DPoP proof at the token endpoint. */
  readonly dpopNonce?: string;
  /** Whether every call is kept, to be looked at. Default true; they are counted in any case. */
  readonly keepCalls?: boolean;
}

/**
 * An authorization server, with a protected resource attached, that does as it is told and counts what it is asked.
 *
 * It has no socket: `answer` says what is answered to one request.
 */
export class ProgrammableAuthorization {
  readonly origin: string;
  readonly issuer: string;
  /** The protected resource: 401 with a challenge, or what it serves for a live token. */
  readonly resource: string;
  readonly tokens: ProgrammableTokens;
  /** Every call so far, unless they are not kept. */
  readonly calls: Call[] = [];
  readonly #options: ProgrammableAuthorizationOptions;
  readonly #counts = new Map<CallKind, number>();
  readonly #overrides = new Map<CallKind, Override>();
  readonly #pushed = new Map<string, URLSearchParams>();
  #keys: Promise<GenerateKeyPairResult> | undefined;
  #subject: string;

  constructor(origin: string, options: ProgrammableAuthorizationOptions = {}) {
    this.origin = origin;
    this.issuer = options.issuer ?? origin + (options.issuerPath ?? '');
    this.resource = options.resource ?? origin + (options.resourcePath ?? '/mcp');
    this.tokens = new ProgrammableTokens(options);
    this.#options = options;
    this.#subject = options.subject ?? 'user-1';
  }

  /** Calls of a kind so far. */
  count(kind: CallKind): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** Replaces what is answered to a kind of call, until replaced again. */
  on(kind: CallKind, override: Override | undefined): void {
    if (override === undefined) this.#overrides.delete(kind);
    else this.#overrides.set(kind, override);
  }

  /** Who approves from now on. */
  approveAs(subject: string): void {
    this.#subject = subject;
  }

  async answer(asked: Asked): Promise<Reply> {
    const call = this.#receive(asked);
    const standard = async (): Promise<Reply> => this.#answer(call);
    return (await this.#overrides.get(call.kind)?.(call, standard)) ?? standard();
  }

  /** Answers without a network, as `fetch` would. */
  async fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init);
    const asked = {
      method: request.method,
      url: new URL(request.url),
      headers: Object.fromEntries(request.headers),
      text: await request.text(),
    };
    return responseOf(await this.answer(asked));
  }

  #receive(asked: Asked): Call {
    let form: URLSearchParams | undefined;
    const formOf = (): URLSearchParams => (form ??= new URLSearchParams(asked.text));
    const kind = this.#kindOf(asked.url, formOf);
    const count = this.count(kind) + 1;
    this.#counts.set(kind, count);
    if (kind === 'token') watchFor(formOf().get('code_verifier'));
    const call: Call = {
      ...asked,
      kind,
      count,
      get form() {
        return formOf();
      },
    };
    if (this.#options.keepCalls !== false) this.calls.push(call);
    return call;
  }

  #kindOf({ origin, pathname: path }: URL, formOf: () => URLSearchParams): CallKind {
    if (path.startsWith('/.well-known/oauth-protected-resource')) return 'resource-metadata';
    if (path.includes('/.well-known/')) return 'metadata';
    if (origin + path === this.resource) return 'resource';
    const kind = endpointKinds.find((each) => this.endpoint(each) === origin + path);
    if (kind !== 'token') return kind ?? 'other';
    return formOf().get('grant_type') === 'refresh_token' ? 'refresh' : 'token';
  }

  /** Where an endpoint is. */
  endpoint(kind: EndpointKind): string {
    return this.#options.endpoints?.[kind] ?? `${this.issuer}/${kind}`;
  }

  #answer(call: Call): Reply | Promise<Reply> {
    switch (call.kind) {
      case 'resource-metadata':
        return this.#describeResource(call);
      case 'metadata':
        return this.#describeServer(call);
      case 'authorize':
        return this.#authorize(call);
      case 'par':
        return this.#push(call);
      case 'register':
        return this.#register(call);
      case 'token':
      case 'refresh':
        return this.#issueTokens(call);
      case 'revoke':
        this.tokens.revoke(call.form.get('token') ?? '');
        return { status: 200 };
      case 'resource':
        return this.#guardResource(call);
      default:
        return { status: 404, body: { error: 'not_found' } };
    }
  }

  #describeResource(call: Call): Reply {
    const { resourceMetadata } = this.#options;
    const path = new URL(this.resource).pathname.replace(/\/$/u, '');
    if (!call.url.pathname.endsWith(path)) return { status: 404 };
    return {
      body: without({
        resource: this.resource,
        authorization_servers: [this.issuer],
        ...resourceMetadata,
      }),
    };
  }

  #describeServer(call: Call): Reply {
    const { issuer } = this;
    const { metadata } = this.#options;
    const { origin, pathname } = new URL(issuer);
    const standard = `${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/u, '')}`;
    const { metadataAt = [standard] } = this.#options;
    if (!metadataAt.includes(call.url.origin + call.url.pathname)) return { status: 404 };
    return {
      body: without({
        issuer,
        authorization_endpoint: this.endpoint('authorize'),
        token_endpoint: this.endpoint('token'),
        registration_endpoint: this.endpoint('register'),
        revocation_endpoint: this.endpoint('revoke'),
        device_authorization_endpoint: this.endpoint('device'),
        response_types_supported: ['code'],
        grant_types_supported: ['authorization_code', 'refresh_token'],
        code_challenge_methods_supported: ['S256'],
        token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
        authorization_response_iss_parameter_supported: true,
        id_token_signing_alg_values_supported: ['ES256'],
        ...metadata,
      }),
    };
  }

  #authorize(call: Call): Reply {
    const { searchParams } = call.url;
    const asked = this.#pushed.get(searchParams.get('request_uri') ?? '') ?? searchParams;
    const { subject, approves } = this.#options.decide?.(call) ?? { subject: this.#subject, approves: true };
    const location = new URL(asked.get('redirect_uri') ?? '');
    if (approves) {
      const code = this.tokens.issueCode({
        clientId: asked.get('client_id') ?? '',
        redirectUri: asked.get('redirect_uri') ?? '',
        challenge: asked.get('code_challenge') ?? '',
        scope: asked.get('scope') ?? undefined,
        resource: asked.get('resource') ?? undefined,
        subject,
      });
      location.searchParams.set('code', code);
    } else location.searchParams.set('error', 'access_denied');
    const { metadata = {} } = this.#options;
    const says = 'authorization_response_iss_parameter_supported';
    if (!(says in metadata) || metadata[says] === true) location.searchParams.set('iss', this.issuer);
    const state = asked.get('state');
    if (state !== null) location.searchParams.set('state', state);
    return { status: 302, headers: { location: location.href } };
  }

  #push(call: Call): Reply {
    const uri = `urn:ietf:params:oauth:request_uri:${randomText('par')}`;
    this.#pushed.set(uri, call.form);
    return { status: 201, body: { request_uri: uri, expires_in: 60 } };
  }

  #register(call: Call): Reply {
    const asked = JSON.parse(call.text) as Record<string, unknown>;
    const secret =
      asked['token_endpoint_auth_method'] === 'none'
        ? {}
        : { client_secret: this.tokens.newSecret('secret'), client_secret_expires_at: 0 };
    return { status: 201, body: { ...asked, client_id: randomText('client'), ...secret } };
  }

  async #issueTokens(call: Call): Promise<Reply> {
    const { dpopNonce } = this.#options;
    const proof = typeof call.headers.dpop === 'string' ? call.headers.dpop : undefined;
    if (proof !== undefined && dpopNonce !== undefined && decodeJwt(proof).nonce !== dpopNonce)
      return { status: 400, headers: { 'dpop-nonce': dpopNonce }, body: { error: 'use_dpop_nonce' } };
    const jkt = proof && (await calculateJwkThumbprint(decodeProtectedHeader(proof).jwk as JWK));
    const issued =
      call.kind === 'refresh'
        ? this.tokens.refresh(call.form.get('refresh_token') ?? '')
        : this.#firstTokens(call.form, jkt);
    return issued === undefined
      ? { status: 400, body: { error: 'invalid_grant' } }
      : { body: await this.tokenResponse(issued) };
  }

  #firstTokens(form: URLSearchParams, jkt: string | undefined): IssuedTokens | undefined {
    const resource = form.get('resource') ?? undefined;
    if (form.get('grant_type') !== 'authorization_code') {
      const clientId = form.get('client_id') ?? '';
      const scope = form.get('scope') ?? undefined;
      return this.tokens.issue({ clientId, scope, resource, jkt, subject: 'machine' });
    }
    const code = this.tokens.redeemCode(form.get('code') ?? '', form);
    if (code === undefined) return undefined;
    const { clientId, scope, subject } = code;
    return this.tokens.issue({ clientId, scope, subject, resource, jkt });
  }

  /** How the token endpoint says that these were issued. */
  async tokenResponse({ access, refresh, family }: IssuedTokens): Promise<Record<string, unknown>> {
    const { expiresInSeconds = 3_600 } = this.#options;
    return without({
      access_token: access,
      token_type: family.jkt === undefined ? 'Bearer' : 'DPoP',
      expires_in: typeof expiresInSeconds === 'number' ? expiresInSeconds : expiresInSeconds(),
      refresh_token: refresh,
      scope: family.scope,
      id_token: family.scope?.split(' ').includes('openid') ? await this.#idToken(family) : undefined,
    });
  }

  async #idToken({ subject, clientId }: TokenFamily): Promise<string> {
    const { claims } = this.#options;
    this.#keys ??= generateKeyPair('ES256', { extractable: true });
    return new SignJWT({ ...claims?.(subject) })
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer(this.issuer)
      .setSubject(subject)
      .setAudience(clientId)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign((await this.#keys).privateKey);
  }

  #guardResource(call: Call): Reply | Promise<Reply> {
    const { serve = tellOwner } = this.#options;
    const [, token = ''] = call.headers.authorization?.split(' ') ?? [];
    const owner = this.tokens.isLive(token) ? this.tokens.familyOf(token) : undefined;
    if (owner !== undefined) return serve(call, owner);
    const { origin, pathname } = new URL(this.resource);
    const metadata = `${origin}/.well-known/oauth-protected-resource${pathname}`;
    return {
      status: 401,
      headers: { 'www-authenticate': `Bearer resource_metadata="${metadata}"` },
      body: { error: 'invalid_token' },
    };
  }
}

const endpointKinds = ['authorize', 'token', 'register', 'revoke', 'device', 'par'] as const;

function tellOwner(_call: Call, { subject }: TokenFamily): Reply {
  return { body: { ok: true, subject } };
}

/** A copy without the fields that are `undefined`. */
function without(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
