import { createHash, randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose';
import { html } from 'hono/html';
import type { Workspace } from './workspace.ts';

export interface OpenIdApp {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
}

interface Code {
  readonly user: string;
  readonly nonce: string | undefined;
  readonly challenge: string | undefined;
}

const scopes = new Set(['openid', 'profile', 'email']);
const sessionCookie = 'slack-user';

/** “Sign in with Slack”: OpenID Connect at Slack's own addresses, and in its own ways. */
export class SlackOpenId {
  /** Codes and tokens that were given out: what must stand in nobody's log. */
  readonly secrets: string[] = [];
  readonly #workspace: Workspace;
  readonly #app: OpenIdApp;
  readonly #origin: string;
  readonly #keys: Promise<{ privateKey: CryptoKey; jwk: JWK }>;
  readonly #codes = new Map<string, Code>();

  constructor(workspace: Workspace, app: OpenIdApp, origin: string) {
    this.#workspace = workspace;
    this.#app = app;
    this.#origin = origin;
    this.#keys = generateKeyPair('RS256', { extractable: true }).then(async ({ privateKey, publicKey }) => ({
      privateKey,
      jwk: { ...(await exportJWK(publicKey)), alg: 'RS256', use: 'sig', kid: 'slack' },
    }));
  }

  /** Who is signed in to Slack at a browser. */
  userAt(request: Request): string | undefined {
    const found = new RegExp(`(?:^|; )${sessionCookie}=(\\w+)`, 'u').exec(
      request.headers.get('cookie') ?? '',
    );
    const user = found?.[1];
    return user !== undefined && this.#workspace.people.has(user) ? user : undefined;
  }

  async answer(request: Request): Promise<Response | undefined> {
    switch (new URL(request.url).pathname) {
      case '/.well-known/openid-configuration':
        return Response.json(this.#metadata());
      case '/openid/connect/keys':
        return Response.json({ keys: [(await this.#keys).jwk] });
      case '/openid/connect/authorize':
        return this.#authorize(request);
      case '/api/openid.connect.token':
        return this.#token(request);
      default:
        return undefined;
    }
  }

  #metadata(): object {
    const origin = this.#origin;
    return {
      issuer: origin,
      authorization_endpoint: `${origin}/openid/connect/authorize`,
      token_endpoint: `${origin}/api/openid.connect.token`,
      userinfo_endpoint: `${origin}/api/openid.connect.userInfo`,
      jwks_uri: `${origin}/openid/connect/keys`,
      scopes_supported: [...scopes],
      response_types_supported: ['code'],
      response_modes_supported: ['form_post'],
      grant_types_supported: ['authorization_code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      claims_supported: ['sub', 'auth_time', 'iss'],
      token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    };
  }

  async #authorize(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const at = (name: string): string | undefined => searchParams.get(name) ?? undefined;
    if (at('client_id') !== this.#app.clientId) return page(400, 'Invalid client_id parameter');
    if (at('redirect_uri') !== this.#app.redirectUri)
      return page(400, 'redirect_uri did not match any configured URIs');
    const asked = at('scope')?.split(' ') ?? [];
    if (!asked.includes('openid') || asked.some((scope) => !scopes.has(scope)))
      return page(400, 'Invalid scope');
    if (at('team') !== undefined && at('team') !== this.#workspace.team)
      return page(400, 'No such workspace');
    const form = request.method === 'POST' ? new URLSearchParams(await request.text()) : undefined;
    const user =
      form === undefined ? this.userAt(request) : this.#workspace.userNamed(form.get('user') ?? '');
    if (user === undefined) return page(form === undefined ? 200 : 400, 'Sign in to Slack', signInForm);
    const code = this.#secret();
    this.#codes.set(code, { user, nonce: at('nonce'), challenge: at('code_challenge') });
    const back = new URL(this.#app.redirectUri);
    back.searchParams.set('code', code);
    back.searchParams.set('state', at('state') ?? '');
    return new Response(null, {
      status: 302,
      headers: {
        location: back.href,
        'set-cookie': `${sessionCookie}=${user}; Path=/; HttpOnly; SameSite=Lax`,
      },
    });
  }

  async #token(request: Request): Promise<Response> {
    const form = new URLSearchParams(await request.text());
    const basic = /^Basic (.+)$/u.exec(request.headers.get('authorization') ?? '')?.[1];
    const [id, secret] =
      basic === undefined
        ? [form.get('client_id'), form.get('client_secret')]
        : Buffer.from(basic, 'base64').toString().split(':').map(decodeURIComponent);
    // Slack's methods fail with status 200.
    const refuse = (error: string): Response => Response.json({ ok: false, error });
    if (id !== this.#app.clientId) return refuse('invalid_client_id');
    if (secret !== this.#app.clientSecret) return refuse('bad_client_secret');
    const code = this.#codes.get(form.get('code') ?? '');
    this.#codes.delete(form.get('code') ?? '');
    if (code === undefined || form.get('redirect_uri') !== this.#app.redirectUri)
      return refuse('invalid_code');
    const { user, nonce, challenge } = code;
    const verifier = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (challenge !== undefined && challenge !== verifier) return refuse('invalid_code');
    const { privateKey } = await this.#keys;
    const idToken = await new SignJWT({
      ...(nonce !== undefined && { nonce }),
      'https://slack.com/team_id': this.#workspace.team,
      'https://slack.com/user_id': user,
      name: this.#workspace.people.get(user),
    })
      .setProtectedHeader({ alg: 'RS256', kid: 'slack' })
      .setIssuer(this.#origin)
      .setAudience(this.#app.clientId)
      .setSubject(user)
      .setIssuedAt()
      .setExpirationTime('5 minutes')
      .sign(privateKey);
    return Response.json({ ok: true, access_token: this.#secret(), token_type: 'Bearer', id_token: idToken });
  }

  #secret(): string {
    const secret = randomBytes(24).toString('base64url');
    this.secrets.push(secret);
    return secret;
  }
}

const signInForm = html`<form method="post">
  <label>Your name <input name="user" required /></label>
  <button>Sign in</button>
</form>`;

async function page(
  status: number,
  title: string,
  body: ReturnType<typeof html> | string = '',
): Promise<Response> {
  const text = await html`<!doctype html><title>${title}</title>
    <h1>${title}</h1>
    ${body}`;
  return new Response(String(text), { status, headers: { 'content-type': 'text/html; charset=utf-8' } });
}
