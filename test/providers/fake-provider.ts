import type { OAuthConfig } from '../../src/client/index.ts';
import type { ProgrammableAuthorizationServerOptions } from '../support/programmable-authorization-server.ts';
import type { Call, CallKind, Override } from '../support/programmable-authorization.ts';
import type { Reply } from '../support/programmable-reply.ts';

/** A provider as the public reports describe it: where it is, what it answers otherwise, and what an operator configures. */
export interface FakeProvider {
  readonly name: string;
  /** Where that was reported. */
  readonly source: string;
  readonly mcp: string;
  readonly issuer: string;
  readonly server?: ProgrammableAuthorizationServerOptions;
  readonly replies?: Partial<Record<CallKind, Override>>;
  readonly auth?: Partial<OAuthConfig>;
  /** What a logout comes to. Default: confirmed. */
  readonly revocation?: 'confirmed' | 'unsupported';
  /** It gives no refresh token. */
  readonly cannotRefresh?: boolean;
}

/** Sends the browser back with an error. */
export function sendBack(call: Call, error: string, description?: string, iss?: string): Reply {
  const { searchParams } = call.url;
  const location = new URL(searchParams.get('redirect_uri') ?? '');
  location.searchParams.set('error', error);
  if (description !== undefined) location.searchParams.set('error_description', description);
  if (iss !== undefined) location.searchParams.set('iss', iss);
  location.searchParams.set('state', searchParams.get('state') ?? '');
  return { status: 302, headers: { location: location.href } };
}

/** The JSON of a reply that is one. */
export function bodyOf(reply: Reply): Record<string, unknown> {
  return 'body' in reply && typeof reply.body === 'object' ? (reply.body as Record<string, unknown>) : {};
}

/** Whether a reply carries tokens. */
export function hasTokens(reply: Reply): boolean {
  return 'access_token' in bodyOf(reply);
}

/** The reply the server would give, with its body changed where it carries tokens. */
export function changed(change: (body: Record<string, unknown>, call: Call) => Reply): Override {
  return async (call, standard) => {
    const reply = await standard();
    return hasTokens(reply) ? change(bodyOf(reply), call) : reply;
  };
}
