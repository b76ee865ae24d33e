import { onTestFinished } from 'vitest';
import { openAtprotoLogins, type AtprotoLogins } from '../../examples/atproto-server/atproto-logins.ts';
import type { AtprotoFetch } from '../../src/atproto/index.ts';
import { findPosternError } from '../../src/core/postern-error.ts';
import { placePath } from '../../src/interaction/want.ts';
import { fixedNamespace } from '../../src/namespace/index.ts';
import { Oob, thisMachine, type Principal, type ToolContext } from '../../src/oob/index.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { createRecordingLogger } from '../../test/support/recording-logger.ts';
import { createSteppedClock } from '../../test/support/stepped-clock.ts';
import type { Network } from './network.ts';

/** A server in this process, with a clock that can be set forward. */
export interface Stage {
  readonly oob: Oob;
  readonly logins: AtprotoLogins;
  readonly principal: Principal;
  readonly logged: readonly string[];
  /** The path of every request to the network, in order; of one to the token endpoint, with its grant type. */
  readonly sent: readonly string[];
  advance(ms: number): void;
  /** The link of a login that begins now. @throws what it fails with. */
  begin(handle?: string, way?: 'login' | 'appPassword'): Promise<string>;
  /** How the last login with a handle stands: its status, or the code that it failed with. */
  statusOf(handle: string): Promise<string | undefined>;
  /** Requests as an account. @throws when its person is needed. */
  accountFor(name?: string): Promise<{ readonly did: string; readonly call: AtprotoFetch }>;
  /** What is stored of an account, whole. */
  storedOf(alias: string): Promise<Record<string, unknown> & { session: { tokenSet: TokenSet } }>;
  /** Has the session of an account end now, by its own account. */
  expire(alias: string): Promise<void>;
}

export interface TokenSet {
  readonly access_token: string;
  readonly refresh_token: string;
}

export async function openStage({ plcUrl, pdsUrl }: Network, given?: StorageBackend): Promise<Stage> {
  const stepped = createSteppedClock();
  const { clock } = stepped;
  const logger = createRecordingLogger();
  const sent: string[] = [];
  const storage = given ?? new MemoryBackend({ clock });
  const oob = new Oob({ storage, namespaces: fixedNamespace('me'), gate: thisMachine(), clock, logger });
  onTestFinished(() => oob.close());
  const logins = openAtprotoLogins(oob, {
    service: pdsUrl,
    plcDirectoryUrl: plcUrl,
    handleResolver: pdsUrl,
    isPrivate: true,
    fetch: (url, init) => {
      const grantType = new URLSearchParams(textOfBody(init.body)).get('grant_type');
      sent.push([new URL(url).pathname, ...(grantType === null ? [] : [grantType])].join(' '));
      return fetch(url, init);
    },
  });
  const principal = await oob.principal({});
  const find = async (alias: string) => {
    const store = oob.interactions.credentials.in(principal.namespace);
    const stored = await store.find({ resource: 'atproto', alias });
    if (stored === undefined)
      throw new Error(`nothing is stored for ${placePath({ resource: 'atproto', alias }).join(' ')}`);
    return stored.value.credential as Awaited<ReturnType<Stage['storedOf']>>;
  };
  // The part of it that these tools use.
  const context = {
    principal,
    credential: (request) => oob.credentials.acquire(principal, request),
  } as Partial<ToolContext> as ToolContext;
  return {
    oob,
    logins,
    principal,
    logged: logger.lines,
    sent,
    advance: (ms) => stepped.advance(ms),
    begin: async (handle, way = 'login') => {
      const request = await logins[way].accounts.loginRequest(principal, handle);
      await oob.credentials.askAgain(principal, request.resource, request.alias);
      return (await oob.credentials.ask(principal, request)).url;
    },
    statusOf: async (handle) => {
      const found = (await logins.login.logins(principal)).find((login) => login.handle === handle);
      return found?.code ?? found?.status;
    },
    accountFor: (name) => logins.accountFor(context, name),
    storedOf: find,
    expire: async (alias) => {
      const request = { ...(await logins.login.accounts.request(principal, alias)), alias };
      const ended = { ...(await find(alias)), issuedAtMs: clock() - 3_600_000, expiresAtMs: clock() - 1 };
      await oob.credentials.put(principal, request, ended);
    },
  };
}

function textOfBody(body: unknown): string {
  return body instanceof ArrayBuffer ? Buffer.from(body).toString('latin1') : '';
}

/** The code of what a promise rejects with. */
export async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (error: unknown) => findPosternError(error)?.code ?? String(error),
  );
}
