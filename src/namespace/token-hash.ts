import * as z from 'zod';
import { encodeBase64Url } from '../core/base64url.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import { PosternError } from '../core/postern-error.ts';
import { Collection } from '../storage/collection.ts';
import type { StorageBackend } from '../storage/contract.ts';
import { NamespacedStorage } from '../storage/namespaced-storage.ts';
import type { Caller, NamespaceProvider } from './namespace-provider.ts';
import { createNamespace, isName } from './namespace.ts';
import { isBearerToken, unverified } from './unverified-caller.ts';

/** What {@link tokenHash} takes. */
export interface TokenHashOptions {
  /**
   * At least 16 bytes, the same in every process and for ever: with another salt everybody is in another namespace.
   * Text counts in UTF-8.
   */
  readonly salt: Uint8Array | string;
  /**
   * Whose a token is, told for certain: by introspection, or by an API of the issuer. `undefined`: the token has no
   * subject. Throws when that cannot be told just now, since a guess would move the caller to another namespace.
   */
  readonly subjectOf?: ((token: string) => Promise<string | undefined>) | undefined;
  /** Remembers what `subjectOf` said of a token for a day, as hashes, so that it is asked once and not by each process. */
  readonly storage?: StorageBackend | undefined;
  readonly clock?: Clock | undefined;
}

const minSaltBytes = 16;
const rememberedMs = 24 * 60 * 60_000;
const remembered = z.looseObject({ id: z.string() });

/**
 * The namespace of whoever holds a token, for tokens that cannot be verified here.
 *
 * Where the caller's verified claims or `subjectOf` tell the subject, the namespace is the subject's, and stays when
 * the token is refreshed. Where nobody tells it, the namespace is the token's own, and ends with it.
 * Tokens and subjects go in only as HMAC-SHA-256 under the salt.
 *
 * Use `verifiedClaims` where the issuer's keys or its introspection can be had.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the salt is missing or too short.
 */
export function tokenHash(options: TokenHashOptions): NamespaceProvider {
  const { subjectOf, storage, clock = systemClock } = options;
  const sign = signer(saltBytes(options.salt));

  async function subjectIdOf(
    token: string,
    ask: (token: string) => Promise<string | undefined>,
  ): Promise<string | undefined> {
    const memory = storage && (await recordsOf(storage, await sign('token', token)));
    const known = await memory?.findReadable('is');
    if (known !== undefined) return known.value.id;
    // Within an async function, so that what throws before it returns a promise is a failure like any other.
    const subject = await (async () => ask(token))().catch((cause: unknown) => {
      throw unverified('whose its token is could not be told', cause);
    });
    if (subject === undefined) return undefined;
    if (!isName(subject)) throw unverified('its token names no usable subject');
    const id = `subject:${await sign('subject', subject)}`;
    // By the store's clock: a process whose own is a day behind would remember nobody.
    const now = (await storage?.now?.()) ?? clock();
    await memory?.put(['is'], { id }, { expiresAtMs: now + rememberedMs });
    return id;
  }

  async function idOf(caller: Caller): Promise<string> {
    const { claims, token } = caller;
    if (claims?.['sub'] !== undefined) return `subject:${await sign('subject', ...subjectOfClaims(claims))}`;
    if (!isBearerToken(token) || !isName(token)) throw unverified('it sent nothing in the form of a token');
    const id = subjectOf && (await subjectIdOf(token, subjectOf));
    return id ?? `token:${await sign('token', token)}`;
  }

  return { resolve: async (caller) => createNamespace('user', await idOf(caller ?? {})) };
}

/** With the issuer, where it is stated: two issuers may use one subject for two people. */
function subjectOfClaims({ iss, sub }: Readonly<Record<string, unknown>>): string[] {
  if (!isName(sub)) throw unverified('the claims name no subject');
  if (iss === undefined) return [sub];
  if (!isName(iss)) throw unverified('the claims name no usable issuer');
  return [sub, iss];
}

type Sign = (purpose: 'subject' | 'token', ...parts: string[]) => Promise<string>;

function signer(salt: Uint8Array<ArrayBuffer>): Sign {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const imported = crypto.subtle.importKey('raw', salt, algorithm, false, ['sign']);
  // Reported by whoever awaits it first, not as an unhandled rejection before that.
  imported.catch(() => {});
  return async (...parts) => {
    // As JSON, so that no two lists of parts share a text.
    const bytes = new TextEncoder().encode(JSON.stringify(parts));
    return encodeBase64Url(new Uint8Array(await crypto.subtle.sign('HMAC', await imported, bytes)));
  };
}

function saltBytes(salt: unknown): Uint8Array<ArrayBuffer> {
  const bytes = typeof salt === 'string' ? new TextEncoder().encode(salt) : salt;
  if (bytes instanceof Uint8Array && bytes.length >= minSaltBytes) return new Uint8Array(bytes);
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `"salt" must be at least ${minSaltBytes} bytes`,
    {
      hint: 'Make one from random bytes, and keep it where the other secrets of the server are.',
    },
  );
}

async function recordsOf(
  storage: StorageBackend,
  hash: string,
): Promise<Collection<z.infer<typeof remembered>>> {
  return new Collection(new NamespacedStorage(storage, [`token-subject:${hash}`]), remembered);
}
