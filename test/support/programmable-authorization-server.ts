import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  calculateJwkThumbprint,
  decodeProtectedHeader,
  decodeJwt,
  generateKeyPair,
  SignJWT,
  type JWK,
} from 'jose';
import { readText, sendReply, type Reply } from './programmable-reply.ts';
import { ProgrammableTokens, randomText } from './programmable-tokens.ts';

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

/** One request as it arrived. */
export interface Call {
  readonly kind: CallKind;
  /** Which of its kind it is, from 1. */
  readonly count: number;
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly form: URLSearchParams;
  readonly text: string;
}

/** Answers a call in place of the server, or leaves it to the server by returning `undefined`. */
export type Override = (call: Call) => Reply | undefined | Promise<Reply | undefined>;

export interface ProgrammableAuthorizationServerOptions {
  /** Path of the issuer. Default: none. */
  readonly issuerPath?: string;
  /** Laid over the metadata; `undefined` takes a field out. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Laid over the protected-resource metadata. */
  readonly resourceMetadata?: Readonly<Record<string, unknown>>;
  /** Path of the attached resource. Default `/mcp`. */
  readonly resourcePath?: string;
  readonly expiresInSeconds?: number;
  /** Default: both. */
  readonly rotate?: boolean;
  readonly reuseRevokes?: boolean;
  /** Who approves at the authorization endpoint. Default `user-1`. */
  readonly subject?: string;
  /** Wants this nonce in every DPoP proof at the token endpoint. */
  readonly dpopNonce?: string;
}

/** A loopback authorization server, with a protected resource attached, that does as it is told. */
export interface ProgrammableAuthorizationServer {
  readonly origin: string;
  readonly issuer: string;
  /** The protected resource: 401 with a challenge, or 200 for a live token. */
  readonly resource: string;
  readonly tokens: ProgrammableTokens;
  readonly calls: readonly Call[];
  /** Calls of a kind so far. */
  count(kind: CallKind): number;
  /** Replaces what the server answers to a kind of call, until replaced again. */
  on(kind: CallKind, override: Override | undefined): void;
  /** Who approves from now on. */
  approveAs(subject: string): void;
  /** Goes through the authorization endpoint as the person's browser, and returns where it was sent. */
  approve(authorizationUrl: string): Promise<URL>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startProgrammableAuthorizationServer(
  options: ProgrammableAuthorizationServerOptions = {},
): Promise<ProgrammableAuthorizationServer> {
  const { issuerPath = '', resourcePath = '/mcp', expiresInSeconds = 3600 } = options;
  const tokens = new ProgrammableTokens({
    rotate: options.rotate ?? true,
    reuseRevokes: options.reuseRevokes ?? true,
  });
  const keys = await generateKeyPair('ES256', { extractable: true });
  const calls: Call[] = [];
  const overrides = new Map<CallKind, Override>();
  const pushed = new Map<string, URLSearchParams>();
  let subject = options.subject ?? 'user-1';
  let origin = '';

  const server = createServer((request, response) => {
    void receive(request)
      .then(async (call) =>
        sendReply((await overrides.get(call.kind)?.(call)) ?? (await answer(call)), response),
      )
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer = origin + issuerPath;
  const resource = origin + resourcePath;

  async function receive(request: IncomingMessage): Promise<Call> {
    const url = new URL(request.url ?? '/', origin);
    const text = await readText(request);
    const form = new URLSearchParams(text);
    const kind = kindOf(url.pathname, form);
    const call: Call = {
      kind,
      count: count(kind) + 1,
      method: request.method ?? 'GET',
      url,
      headers: request.headers,
      form,
      text,
    };
    calls.push(call);
    return call;
  }

  function kindOf(path: string, form: URLSearchParams): CallKind {
    if (path.startsWith('/.well-known/oauth-protected-resource')) return 'resource-metadata';
    if (path.includes('/.well-known/')) return 'metadata';
    if (path === resourcePath) return 'resource';
    switch (path.slice(issuerPath.length)) {
      case '/authorize':
      case '/par':
      case '/register':
      case '/revoke':
      case '/device':
        return path.slice(issuerPath.length + 1) as CallKind;
      case '/token':
        return form.get('grant_type') === 'refresh_token' ? 'refresh' : 'token';
      default:
        return 'other';
    }
  }

  function count(kind: CallKind): number {
    return calls.filter((call) => call.kind === kind).length;
  }

  async function answer(call: Call): Promise<Reply> {
    switch (call.kind) {
      case 'resource-metadata':
        return describeResource(call);
      case 'metadata':
        return describeServer(call);
      case 'authorize':
        return authorize(pushed.get(call.url.searchParams.get('request_uri') ?? '') ?? call.url.searchParams);
      case 'par':
        return push(call);
      case 'register':
        return register(call);
      case 'token':
      case 'refresh':
        return issueTokens(call);
      case 'revoke':
        tokens.revoke(call.form.get('token') ?? '');
        return { status: 200 };
      case 'resource':
        return guardResource(call);
      default:
        return { status: 404, body: { error: 'not_found' } };
    }
  }

  function describeResource(call: Call): Reply {
    if (!call.url.pathname.endsWith(resourcePath)) return { status: 404 };
    return {
      body: without({ resource, authorization_servers: [issuer], ...options.resourceMetadata }),
    };
  }

  function describeServer(call: Call): Reply {
    if (call.url.pathname !== `/.well-known/oauth-authorization-server${issuerPath}`) return { status: 404 };
    return {
      body: without({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        registration_endpoint: `${issuer}/register`,
        revocation_endpoint: `${issuer}/revoke`,
        device_authorization_endpoint: `${issuer}/device`,
        response_types_supported: ['code'],
        grant_types_supported: ['authorization_code', 'refresh_token'],
        code_challenge_methods_supported: ['S256'],
        token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
        authorization_response_iss_parameter_supported: true,
        id_token_signing_alg_values_supported: ['ES256'],
        ...options.metadata,
      }),
    };
  }

  function authorize(asked: URLSearchParams): Reply {
    const code = tokens.issueCode({
      clientId: asked.get('client_id') ?? '',
      redirectUri: asked.get('redirect_uri') ?? '',
      challenge: asked.get('code_challenge') ?? '',
      scope: asked.get('scope') ?? undefined,
      resource: asked.get('resource') ?? undefined,
      subject,
    });
    const location = new URL(asked.get('redirect_uri') ?? '');
    location.searchParams.set('code', code);
    location.searchParams.set('iss', issuer);
    const state = asked.get('state');
    if (state !== null) location.searchParams.set('state', state);
    return { status: 302, headers: { location: location.href } };
  }

  function push(call: Call): Reply {
    const uri = `urn:ietf:params:oauth:request_uri:${randomText('par')}`;
    pushed.set(uri, call.form);
    return { status: 201, body: { request_uri: uri, expires_in: 60 } };
  }

  function register(call: Call): Reply {
    const asked = JSON.parse(call.text) as Record<string, unknown>;
    const secret =
      asked.token_endpoint_auth_method === 'none'
        ? {}
        : {
            client_secret: randomText('secret'),
            client_secret_expires_at: 0,
          };
    return { status: 201, body: { ...asked, client_id: randomText('client'), ...secret } };
  }

  async function issueTokens(call: Call): Promise<Reply> {
    const { form, headers } = call;
    const proof = typeof headers.dpop === 'string' ? headers.dpop : undefined;
    if (
      proof !== undefined &&
      options.dpopNonce !== undefined &&
      decodeJwt(proof).nonce !== options.dpopNonce
    ) {
      const nonce = { 'dpop-nonce': options.dpopNonce };
      return { status: 400, headers: nonce, body: { error: 'use_dpop_nonce' } };
    }
    const jkt = proof && (await calculateJwkThumbprint(decodeProtectedHeader(proof).jwk as JWK));
    const issued =
      call.kind === 'refresh' ? tokens.refresh(form.get('refresh_token') ?? '') : first(form, jkt);
    if (issued === undefined) return { status: 400, body: { error: 'invalid_grant' } };
    const { scope, subject: sub } = issued.family;
    const clientId = issued.family.clientId;
    return {
      body: without({
        access_token: issued.access,
        token_type: issued.family.jkt === undefined ? 'Bearer' : 'DPoP',
        expires_in: expiresInSeconds,
        refresh_token: issued.refresh,
        scope,
        id_token: scope?.split(' ').includes('openid') ? await idToken(sub, clientId) : undefined,
      }),
    };
  }

  function first(
    form: URLSearchParams,
    jkt: string | undefined,
  ): ReturnType<ProgrammableTokens['issue']> | undefined {
    const shared = {
      scope: form.get('scope') ?? undefined,
      resource: form.get('resource') ?? undefined,
      jkt,
    };
    const clientId = form.get('client_id') ?? '';
    if (form.get('grant_type') !== 'authorization_code')
      return tokens.issue({ ...shared, clientId, subject: 'machine' });
    const code = tokens.redeemCode(form.get('code') ?? '', form);
    return (
      code && tokens.issue({ ...shared, scope: code.scope, clientId: code.clientId, subject: code.subject })
    );
  }

  async function idToken(sub: string, clientId: string): Promise<string> {
    return new SignJWT({})
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer(issuer)
      .setSubject(sub)
      .setAudience(clientId)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(keys.privateKey);
  }

  function guardResource(call: Call): Reply {
    const [, token = ''] = call.headers.authorization?.split(' ') ?? [];
    if (tokens.isLive(token)) return { body: { ok: true, subject: tokens.familyOf(token)?.subject } };
    const metadata = `${origin}/.well-known/oauth-protected-resource${resourcePath}`;
    return {
      status: 401,
      headers: { 'www-authenticate': `Bearer resource_metadata="${metadata}"` },
      body: { error: 'invalid_token' },
    };
  }

  async function close(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  return {
    origin,
    issuer,
    resource,
    tokens,
    calls,
    count,
    on: (kind, override) => {
      if (override === undefined) overrides.delete(kind);
      else overrides.set(kind, override);
    },
    approveAs: (who) => {
      subject = who;
    },
    approve: async (authorizationUrl) => {
      const response = await fetch(authorizationUrl, { redirect: 'manual' });
      await response.body?.cancel();
      return new URL(response.headers.get('location') ?? '');
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A copy without the fields that are `undefined`. */
function without(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
