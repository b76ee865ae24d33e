import type { ServerContext } from '@modelcontextprotocol/server';
import { PosternError } from '../core/postern-error.ts';
import type { Principal } from './principal.ts';
import { defaultAlias, type CredentialRequest } from './credential-request.ts';
import type { Credentials } from './credentials.ts';
import {
  findInteractionRequired,
  InteractionRequiredError,
  type Interaction,
} from '../interaction/interaction-required-error.ts';

/** What the handler of a tool, a resource or a prompt is given beside its arguments. */
export interface ToolContext {
  readonly principal: Principal;
  /**
   * The credential, if there is one. If there is none, the call of the handler is over: this rejects with an
   * InteractionRequiredError, the person is asked, and the handler is called again from its start when they are done.
   * So ask for credentials first, and do what has an effect after.
   *
   * @throws {InteractionRequiredError}
   * @throws {PosternError} ERR_POSTERN_AUTH_DENIED when they declined a moment ago; ERR_POSTERN_OOB_LIMIT
   */
  readonly credential: <C>(request: CredentialRequest<C>) => Promise<C>;
  /**
   * Tells that its service has refused a credential, and resolves to another: renewed, where that needs nobody. Otherwise, as
   * with `credential`, the call of the handler is over, and the person is asked.
   *
   * @example
   * let { key } = await credential(request);
   * let answer = await ask(key);
   * if (answer.status === 401) answer = await ask((await reject(request, { key })).key);
   *
   * @throws {InteractionRequiredError}
   * @throws {PosternError} ERR_POSTERN_AUTH_REJECTED when they have given it within this very call: they would only do so again.
   */
  readonly reject: <C>(request: CredentialRequest<C>, refused: C) => Promise<C>;
  /** The SDK's own. What its client could not answer is refused at once: {@link sendableContext}. */
  readonly mcp: ServerContext;
  /** Aborts when the client cancels the call. */
  readonly signal: AbortSignal;
  /** Tells the client how far the call is; absent when it did not ask to be told. */
  readonly progress?: ((report: ToolProgress) => Promise<void>) | undefined;
}

export interface ToolProgress {
  readonly progress: number;
  readonly total?: number;
  readonly message?: string;
}

/** What our own handlers are given besides. */
export interface CallContext extends ToolContext {
  /**
   * Has the person asked although there may be a credential already. As with {@link ToolContext.credential}, the call of the
   * handler is over then; it resolves in the one that comes after the person is done.
   */
  readonly anew: (request: CredentialRequest<unknown>) => Promise<void>;
  /** What the person has been asked for within this call, and has finished. */
  readonly finished: readonly AskedPlace[];
}

/** Where something is kept that the person was asked for. */
export type AskedPlace = Pick<Interaction, 'resource' | 'alias'>;

/** How one run of a handler ended: it needs people, or it is done. */
export type HandlerRun<R> = { readonly needed: readonly InteractionRequiredError[] } | { readonly result: R };

/**
 * Calls the handler once.
 *
 * What it asked for in vain decides, even if it caught the error: otherwise nobody would be shown the link.
 *
 * @throws what the handler throws, when it needs nobody.
 */
export async function runHandler<R>(
  handler: (context: CallContext) => Promise<R> | R,
  caller: {
    readonly credentials: Credentials;
    readonly principal: Principal;
    readonly mcp: ServerContext;
    readonly finished: readonly AskedPlace[];
  },
): Promise<HandlerRun<R>> {
  const { credentials, principal, mcp, finished } = caller;
  const { signal } = mcp.mcpReq;
  const needed = new Map<string, InteractionRequiredError>();
  const asking = new Set<Promise<unknown>>();

  const attempt = async <T>(get: () => Promise<T>): Promise<T> => {
    const [first] = needed.values();
    if (first !== undefined) throw first;
    try {
      return await get();
    } catch (error) {
      const required = findInteractionRequired(error);
      if (required !== undefined) needed.set(required.interaction.pendingId, required);
      throw error;
    }
  };
  const ask = <T>(get: () => Promise<T>): Promise<T> => {
    const asked = attempt(get);
    asking.add(asked);
    // A handler that does not wait for it ends with what was asked all the same, not with an unhandled rejection.
    asked.catch(() => {}).finally(() => asking.delete(asked));
    return asked;
  };
  const credential = <C>(request: CredentialRequest<C>): Promise<C> =>
    ask(() => credentials.acquire(principal, request, { signal }));
  const hasFinished = ({ resource, alias = defaultAlias }: CredentialRequest<unknown>): boolean =>
    finished.some((place) => place.resource === resource && place.alias === alias);
  const reject = <C>(request: CredentialRequest<C>, refused: C): Promise<C> =>
    ask(async () => {
      await credentials.reject(principal, request, refused);
      const isAnother = (await credentials.find(principal, request)) !== undefined;
      if (!isAnother && hasFinished(request)) throw refusedAtOnce(request.resource);
      return credentials.acquire(principal, request, { signal });
    });
  const anew = (request: CredentialRequest<unknown>): Promise<void> =>
    ask(async () => {
      if (hasFinished(request)) return;
      throw new InteractionRequiredError(await credentials.ask(principal, request));
    });

  const [ran] = await Promise.allSettled([
    (async () =>
      handler({ principal, credential, reject, anew, finished, mcp, signal, progress: progressOf(mcp) }))(),
  ]);
  // All that was asked for together is shown together.
  await Promise.allSettled(asking);
  if (needed.size > 0) return { needed: [...needed.values()] };
  if (ran.status === 'rejected') throw ran.reason;
  return { result: ran.value };
}

function refusedAtOnce(resource: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_AUTH_REJECTED',
    `${JSON.stringify(resource)} refuses what its person has given just now`,
    {
      hint: 'Call again to be asked for another; a test of the form would have refused it before it was kept.',
    },
  );
}

function progressOf({ mcpReq }: ServerContext): ToolContext['progress'] {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  return (report) =>
    mcpReq.notify({ method: 'notifications/progress', params: { progressToken, ...report } });
}
