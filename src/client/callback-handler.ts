import { z } from 'zod';
import { sleep, type Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { findPosternError, isPosternError } from '../core/postern-error.ts';
import { hashId } from '../core/random.ts';
import type { Pendings } from '../pending/pendings.ts';
import type { PendingStore } from '../pending/pending-store.ts';
import { errorOfEnd, type Pending, type PendingOutcome } from '../pending/pending.ts';
import { Routes } from '../pending/routes.ts';
import { Collection, type Stored } from '../storage/collection.ts';
import { absent } from '../storage/contract.ts';
import { Cooldown } from '../sync/cooldown.ts';
import { BrowserCookie } from '../web/browser-cookie.ts';
import type { CompletedAttempt, CompletionHandler, SignIn } from './completion.ts';
import { alreadyDonePage, failurePage, notFoundPage, signedInPage } from './sign-in-pages.ts';

/** One way through the browser: minted when the link is opened, taken once when the browser comes back. */
const attemptRecord = z.looseObject({
  pendingId: z.string(),
  /** The hash of the browser's cookie. */
  browser: z.string(),
  status: z.enum(['open', 'taken', 'done']),
  takenAtMs: z.number().optional(),
  data: z.unknown().optional(),
});

type Attempt = z.infer<typeof attemptRecord>;

export interface CallbackHandlerOptions {
  readonly pendings: Pendings<SignIn>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly declineCooldownMs: number;
  /** After this long, a taken attempt belongs to a process that died on the way. */
  readonly takenMs: number;
  readonly handlerNamed: (name: string) => CompletionHandler;
  readonly verify: (request: Request, pending: Pending<SignIn>) => Promise<Response | undefined>;
  readonly baseUrl: () => string;
  readonly redirectUri: () => string;
  readonly answersInPlace: () => boolean;
  /** Called when a pending has ended here, with its data as it was. */
  readonly ended: (pending: Pending<SignIn>) => void;
}

/** How long a second request for an attempt that is being finished waits for it. */
const joinMs = 10_000;
/** How long the result of an exchange that cannot be repeated is kept trying to be written. */
const saveMs = 8_000;

/**
 * The two addresses of a sign-in, `/connect/<id>` and `/callback`, in any process.
 *
 * A ladder: every rung reads without consuming, and a request that fails on one changes nothing. Only a genuine answer,
 * to an attempt that is still open, from the browser that was sent out, takes the attempt, by its version.
 */
export class CallbackHandler {
  readonly #options: CallbackHandlerOptions;

  constructor(options: CallbackHandlerOptions) {
    this.#options = options;
  }

  async fetch(request: Request): Promise<Response> {
    try {
      const url = new URL(request.url);
      const connect = /\/connect\/(?<id>[\w-]{1,64})$/u.exec(url.pathname);
      const isCallback = url.pathname.endsWith('/callback');
      if (connect === null && !isCallback) return await notFoundPage();
      if (request.method !== 'GET') {
        return new Response('Method not allowed', { status: 405, headers: { allow: 'GET' } });
      }
      return await (isCallback
        ? this.#callback(request, url.searchParams)
        : this.#connect(request, connect?.groups?.['id'] ?? ''));
    } catch (error) {
      const known = findPosternError(error);
      this.#options.logger.error('a sign-in page failed', { code: known?.code, error: nameOf(error) });
      return failurePage(known?.code ?? 'ERR_POSTERN_PENDING_FAILED');
    }
  }

  async #connect(request: Request, id: string): Promise<Response> {
    const { pendings, verify, redirectUri, handlerNamed, clock } = this.#options;
    const store = await pendings.locate(id);
    if (store === undefined) return failurePage('ERR_POSTERN_PENDING_NOT_FOUND');
    const pending = await store.get(id);
    if (pending === undefined) return failurePage('ERR_POSTERN_PENDING_EXPIRED');
    const refusal = await verify(request, pending);
    if (refusal !== undefined) return refusal;
    if (pending.status === 'completed') return signedInPage();
    const end = errorOfEnd(pending);
    if (end !== undefined) return failurePage(end.code);

    const cookie = await this.#cookieOf(pending);
    const { setCookie, hash } = await cookie.bind(request, pending.expiresAtMs - clock());
    const handler = handlerNamed(pending.data?.handler ?? '');
    const started = await handler.start({ pending, redirectUri: redirectUri() });
    await new Routes(store.storage.backend).add(
      started.state,
      store.namespace.partition,
      pending.expiresAtMs,
    );
    await this.#attempts(store).put(
      [await hashId(started.state)],
      { pendingId: id, browser: hash, status: 'open', data: started.attempt },
      { expect: absent, expiresAtMs: pending.expiresAtMs },
    );
    return new Response(null, {
      status: 303,
      headers: {
        location: started.url,
        'set-cookie': setCookie,
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
      },
    });
  }

  async #callback(request: Request, params: URLSearchParams): Promise<Response> {
    const { pendings, logger } = this.#options;
    const [state, ...more] = params.getAll('state');
    if (state === undefined || state === '' || state.length > 512 || more.length > 0) {
      return failurePage('ERR_POSTERN_AUTH_STATE_UNKNOWN');
    }
    const store = await pendings.locate(state);
    const attempts = store && this.#attempts(store);
    const found = await attempts?.find(await hashId(state));
    if (store === undefined || attempts === undefined || found === undefined) {
      return failurePage('ERR_POSTERN_AUTH_STATE_UNKNOWN');
    }
    const pending = await store.get(found.value.pendingId);
    if (pending === undefined) return failurePage('ERR_POSTERN_PENDING_EXPIRED');
    if (!(await (await this.#cookieOf(pending)).matches(request, found.value.browser))) {
      logger.warn('a callback came from another browser than the one that was sent out', {
        context: pending.namespace.id,
      });
      return failurePage('ERR_POSTERN_AUTH_BROWSER_MISMATCH');
    }
    if (found.value.status === 'taken') return this.#join(pending, found);
    if (found.value.status === 'done' || pending.status === 'completed') return alreadyDonePage();
    const end = errorOfEnd(pending);
    if (end !== undefined) return failurePage(end.code);
    for (const name of params.keys()) {
      // RFC 6749 §3.1: request and response parameters must not be included more than once.
      if (params.getAll(name).length > 1) return failurePage('ERR_POSTERN_AUTH_CALLBACK_INVALID');
    }
    const taken = await this.#move(attempts, found, {
      status: 'taken',
      takenAtMs: this.#options.clock(),
    });
    return taken === undefined
      ? this.#join(pending, found)
      : this.#finish({ store, attempts, taken, pending, params });
  }

  /** From here the attempt is ours alone, and goes on whether or not the browser waits. */
  async #finish(flow: {
    store: PendingStore<SignIn>;
    attempts: Collection<Attempt>;
    taken: Stored<Attempt>;
    pending: Pending<SignIn>;
    params: URLSearchParams;
  }): Promise<Response> {
    const { store, attempts, taken, pending, params } = flow;
    const { handlerNamed, logger, answersInPlace } = this.#options;
    let completed: CompletedAttempt;
    try {
      completed = await handlerNamed(pending.data?.handler ?? '').complete({
        pending,
        attempt: taken.value.data,
        params,
        storage: store.storage,
      });
    } catch (error) {
      return this.#fail(flow, error);
    }
    const done = { ...taken.value, status: 'done' as const, data: undefined };
    try {
      const ended = await this.#save(store, pending, { status: 'completed' }, [
        ...completed.changes,
        attempts.putting(taken.path, done, {
          expect: taken.version,
          expiresAtMs: taken.expiresAtMs,
        }),
      ]);
      this.#options.ended(ended);
    } catch (error) {
      // A reply of the store may have been lost: the attempt itself says whether it was saved.
      const wasSaved = await this.#wasSaved(attempts, taken);
      if (wasSaved !== true) {
        // Only what is known not to be there is taken back: others may have what was saved in use already.
        if (wasSaved === false) await completed.undo?.().catch(() => {});
        logger.error('a finished sign-in could not be saved', { code: findPosternError(error)?.code });
        if (isPosternError(error, 'ERR_POSTERN_PENDING_ALREADY_FINISHED')) return alreadyDonePage();
        const code = findPosternError(error)?.code ?? 'ERR_POSTERN_STORAGE_UNAVAILABLE';
        return failurePage(code, { retry: pending.url });
      }
      this.#options.ended({ ...pending, status: 'completed' });
    }
    if (answersInPlace()) return signedInPage();
    // RFC 9700 §4.2: the code does not stay in the address bar.
    return new Response(null, {
      status: 303,
      headers: { location: pending.url, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' },
    });
  }

  /** What became of an attempt whose saving failed; `undefined` when the store does not say in time. */
  async #wasSaved(attempts: Collection<Attempt>, taken: Stored<Attempt>): Promise<boolean | undefined> {
    const deadline = performance.now() + saveMs;
    for (let pauseMs = 50; ; pauseMs *= 2) {
      try {
        return (await attempts.find(...taken.path))?.value.status === 'done';
      } catch {
        if (performance.now() + pauseMs > deadline) return undefined;
        await sleep(pauseMs);
      }
    }
  }

  async #fail(
    flow: {
      store: PendingStore<SignIn>;
      attempts: Collection<Attempt>;
      taken: Stored<Attempt>;
      pending: Pending<SignIn>;
    },
    error: unknown,
  ): Promise<Response> {
    const { store, attempts, taken, pending } = flow;
    const { logger, declineCooldownMs, clock } = this.#options;
    const known = findPosternError(error);
    const code = known?.code ?? 'ERR_POSTERN_PENDING_FAILED';
    logger.warn('a sign-in did not succeed', { context: pending.namespace.id, code, error: nameOf(error) });
    if (code === 'ERR_POSTERN_AUTH_CALLBACK_INVALID') {
      // Not an answer at all: the real one may still come.
      await this.#move(attempts, taken, { status: 'open' });
      return failurePage(code);
    }
    await this.#move(attempts, taken, { status: 'done', data: undefined });
    if (known?.facts.retry === true) return failurePage(code, { retry: pending.url });
    const outcome: PendingOutcome =
      code === 'ERR_POSTERN_AUTH_DENIED'
        ? { status: 'cancelled', failure: code }
        : { status: 'failed', failure: code };
    if (outcome.status === 'cancelled' && declineCooldownMs > 0) {
      const cooldown = new Cooldown(store.storage, declinedPath(pending.data?.server ?? ''), clock);
      await cooldown.start(code, declineCooldownMs);
    }
    try {
      this.#options.ended(await store.end(pending.id, outcome));
    } catch (ending) {
      if (!isPosternError(ending, 'ERR_POSTERN_PENDING_ALREADY_FINISHED')) throw ending;
    }
    return failurePage(code);
  }

  /** Somebody is finishing this attempt, or died while doing so. */
  async #join(pending: Pending<SignIn>, attempt: Stored<Attempt>): Promise<Response> {
    const { pendings, clock, takenMs } = this.#options;
    const leftMs = (attempt.value.takenAtMs ?? clock()) + takenMs - clock();
    if (leftMs > 0 && pending.status === 'pending') {
      try {
        const ended = await pendings.waitFor(pending, { timeoutMs: Math.min(joinMs, leftMs), pollMs: 250 });
        const end = errorOfEnd(ended);
        return end === undefined ? await alreadyDonePage() : await failurePage(end.code);
      } catch (error) {
        if (!isPosternError(error, 'ERR_POSTERN_PENDING_WAIT_TIMEOUT')) throw error;
      }
    }
    if (pending.status !== 'pending') return alreadyDonePage();
    // The code may have been sent, so it is not sent again: the link starts a fresh attempt.
    return failurePage('ERR_POSTERN_AUTH_STATE_USED', { retry: pending.url });
  }

  /** Writes what cannot be had a second time, for as long as is reasonable. */
  async #save(
    store: PendingStore<SignIn>,
    pending: Pending<SignIn>,
    outcome: PendingOutcome,
    alongside: CompletedAttempt['changes'],
  ): Promise<Pending<SignIn>> {
    const deadline = this.#options.clock() + saveMs;
    for (let pauseMs = 50; ; pauseMs *= 2) {
      try {
        return await store.end(pending.id, outcome, { alongside });
      } catch (error) {
        if (isPosternError(error, 'ERR_POSTERN_PENDING_NOT_FOUND')) {
          // Time ended the pending during the exchange. The person did consent: what they gave is kept.
          if ((await store.storage.commit(alongside)) !== undefined) return { ...pending, ...outcome };
        }
        if (!isPosternError(error, 'ERR_POSTERN_STORAGE_UNAVAILABLE')) throw error;
        if (this.#options.clock() + pauseMs > deadline) throw error;
        await sleep(pauseMs);
      }
    }
  }

  async #move(
    attempts: Collection<Attempt>,
    from: Stored<Attempt>,
    change: Partial<Attempt>,
  ): Promise<Stored<Attempt> | undefined> {
    const value = { ...from.value, ...change };
    const version = await attempts.put(from.path, value, {
      expect: from.version,
      expiresAtMs: from.expiresAtMs,
    });
    return version === undefined ? undefined : { ...from, value, version };
  }

  #attempts(store: PendingStore<SignIn>): Collection<Attempt> {
    return new Collection(store.storage.namespace('attempt'), attemptRecord);
  }

  async #cookieOf(pending: Pending<SignIn>): Promise<BrowserCookie> {
    return new BrowserCookie(await hashId(pending.id), this.#options.baseUrl().startsWith('https:'));
  }
}

/** Where the cooldown after a declined sign-in is kept. */
export function declinedPath(server: string): readonly string[] {
  return ['declined', server];
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
