import { afterEach, describe, expect, test, vi } from 'vitest';
import { findPosternError, PosternError } from '../core/postern-error.ts';
import type { CredentialKind } from '../interaction/credential-kind.ts';
import type { Flow, NamedFlow } from '../interaction/flow.ts';
import { findInteractionRequired, type Interaction } from '../interaction/interaction-required-error.ts';
import { fixedNamespace } from '../namespace/fixed-namespace.ts';
import { createNamespace } from '../namespace/namespace.ts';
import type { Change } from '../storage/contract.ts';
import { MemoryBackend } from '../storage/memory-backend.ts';
import { Oob } from './oob.ts';
import type { Principal } from './principal.ts';

/** A store that counts those who listen to it, and can fail. */
class WatchedBackend extends MemoryBackend {
  listeners = 0;
  fault: (changes: readonly Change[]) => 'down' | 'answer lost' | undefined = () => undefined;

  override async listen(channel: string, wake: () => void): Promise<() => Promise<void>> {
    const unlisten = await super.listen(channel, wake);
    this.listeners++;
    return async () => {
      this.listeners--;
      await unlisten();
    };
  }

  override async commit(changes: readonly Change[]): Promise<readonly string[] | undefined> {
    const fault = this.fault(changes);
    if (fault === 'down') throw unavailable();
    const versions = await super.commit(changes);
    if (fault === 'answer lost') throw unavailable();
    return versions;
  }
}

const unavailable = () => new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', 'the store was told to fail');
const isFor = (kind: string) => (changes: readonly Change[]) =>
  changes.some((change) => 'put' in change && change.put[1] === kind);

interface Ticket {
  readonly name: string;
  readonly expired?: boolean;
}

function open() {
  let nowMs = 1_000_000;
  const clock = () => nowMs;
  const storage = new WatchedBackend({ clock });
  const begun: string[] = [];
  const discarded: unknown[] = [];
  let renewals = 0;
  const life: CredentialKind<Ticket> & { renew: NonNullable<CredentialKind['renew']> } = {
    name: 'ticket',
    read: (stored) => ((stored as Ticket).expired === true ? undefined : (stored as Ticket)),
    renew: async () => {
      renewals++;
      await new Promise((resolve) => setImmediate(resolve));
      if (flow.fails !== undefined) throw flow.fails;
      return flow.renews;
    },
    revoke: async (stored) => {
      discarded.push(stored);
      return 'confirmed';
    },
  };
  const flow: Flow<Ticket> & { renews?: Ticket | undefined; fails?: PosternError | undefined } = {
    kind: 'ticket',
    credential: life,
    begin: async ({ resource, alias, scopes }) => {
      begun.push([resource, alias, ...scopes].join(' '));
      await new Promise((resolve) => setImmediate(resolve));
      return { data: {}, message: `A ticket for ${resource}` };
    },
    visit: async () => new Response(),
  };
  const oobs = Array.from(
    { length: 2 },
    () =>
      new Oob({
        storage,
        clock,
        namespaces: fixedNamespace('nobody'),
        publicUrl: 'https://s.example',
        verifyUser: () => undefined,
      }),
  );
  const [first, second] = oobs as [Oob, Oob];
  const [named] = oobs.map((oob) => oob.flow('ticket', flow)) as [NamedFlow<Ticket>];
  const { credentials, interactions } = first;
  const { credentials: other } = second;
  const { pendings } = interactions;
  const request = { resource: 'db', flow: named };
  const linkOf = async (principal: Principal = alice, more: object = {}): Promise<Interaction> => {
    const error = await credentials
      .acquire(principal, { ...request, ...more })
      .catch((reason: unknown) => reason);
    const required = findInteractionRequired(error);
    if (required === undefined) throw error as Error;
    return required.interaction;
  };
  const pendingOf = async ({ pendingId }: Interaction) =>
    (await (await pendings.locate(pendingId))!.get(pendingId))!;
  return {
    storage,
    flow,
    life,
    begun,
    discarded,
    renewals: () => renewals,
    credentials,
    interactions,
    other,
    request,
    linkOf,
    pendingOf,
    finish: async (interaction: Interaction, ticket: Ticket, scopes?: string[]) =>
      interactions.finish(await pendingOf(interaction), ticket, { scopes }),
    advance: (ms: number) => void (nowMs += ms),
  };
}

const alice: Principal = { namespace: createNamespace('user', 'alice'), initiator: 'alice' };
const bob: Principal = { namespace: createNamespace('user', 'bob'), initiator: 'bob' };
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => findPosternError(error)?.code ?? String(error),
  );

afterEach(() => void vi.useRealTimers());

describe('acquire', () => {
  test('of three callers at once gives one link, and all three the credential once it is there', async () => {
    const { credentials, request, linkOf, finish, begun } = open();
    const calls = Array.from({ length: 3 }, () => credentials.acquire(alice, request, { waitMs: 5_000 }));
    await finish(await linkOf(), { name: 'a' });
    expect(await Promise.all(calls)).toEqual([{ name: 'a' }, { name: 'a' }, { name: 'a' }]);
    expect(begun).toEqual(['db default']);
    expect(await credentials.acquire(alice, request)).toEqual({ name: 'a' });
  });

  test('of a thousand callers in two processes begins once, and listens once in each', async () => {
    const { credentials, other, request, linkOf, finish, begun, storage } = open();
    const calls = [credentials, other].flatMap((each) =>
      Array.from({ length: 500 }, () => each.acquire(alice, request, { waitMs: 5_000 })),
    );
    const link = await linkOf();
    await vi.waitFor(() => expect(storage.listeners).toBe(2));
    await finish(link, { name: 'a' });
    expect(new Set((await Promise.all(calls)).map(({ name }) => name))).toEqual(new Set(['a']));
    expect(begun).toHaveLength(1);
    expect(storage.listeners).toBe(0);
  });

  test('serves the one of a thousand callers that did not give up, and listens to nothing afterwards', async () => {
    const { credentials, request, linkOf, finish, storage } = open();
    const stop = new AbortController();
    const cancelled = Array.from({ length: 999 }, () =>
      codeOf(credentials.acquire(alice, request, { waitMs: 5_000, signal: stop.signal })),
    );
    const kept = credentials.acquire(alice, request, { waitMs: 5_000 });
    const link = await linkOf();
    stop.abort(new Error('gave up'));
    expect(new Set(await Promise.all(cancelled))).toEqual(new Set(['Error: gave up']));
    await finish(link, { name: 'a' });
    expect(await kept).toEqual({ name: 'a' });
    expect(storage.listeners).toBe(0);
  });

  test('gives the same link for as long as it lives, with the time it has left', async () => {
    const { linkOf, advance } = open();
    const first = await linkOf();
    advance(60_000);
    expect(await linkOf()).toEqual(first);
    advance(540_000);
    expect((await linkOf()).url).not.toBe(first.url);
  });

  test('keeps namespaces, resources and aliases apart', async () => {
    const { linkOf, finish, credentials, request } = open();
    const links = [
      await linkOf(),
      await linkOf(bob),
      await linkOf(alice, { resource: 'db2' }),
      await linkOf(alice, { alias: 'work' }),
    ];
    expect(new Set(links.map(({ url }) => url)).size).toBe(4);
    const waiting = credentials.acquire(bob, request, { waitMs: 100 });
    await finish(links[0]!, { name: 'a' });
    expect(await codeOf(waiting)).toBe('ERR_POSTERN_OOB_INTERACTION_REQUIRED');
    expect(await credentials.acquire(alice, request)).toEqual({ name: 'a' });
    expect(await codeOf(credentials.acquire(bob, request))).toBe('ERR_POSTERN_OOB_INTERACTION_REQUIRED');
  });

  test('tells every waiter the end’s own code: declined, withdrawn, failed, expired', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const { interactions, credentials, linkOf, pendingOf, request, advance } = open();
    const end = async (how: (link: Interaction) => Promise<void>, resource: string): Promise<Set<string>> => {
      const calls = Array.from({ length: 3 }, () =>
        codeOf(credentials.acquire(alice, { ...request, resource }, { waitMs: 700_000 })),
      );
      await how(await linkOf(alice, { resource }));
      return new Set(await Promise.all(calls));
    };
    expect(await end(async (link) => interactions.decline(await pendingOf(link)), 'a')).toEqual(
      new Set(['ERR_POSTERN_AUTH_DENIED']),
    );
    expect(await end(() => credentials.withdraw(alice, 'b'), 'b')).toEqual(
      new Set(['ERR_POSTERN_PENDING_CANCELLED']),
    );
    const mismatch = 'ERR_POSTERN_OAUTH_ISSUER_MISMATCH';
    expect(await end(async (link) => interactions.end(await pendingOf(link), mismatch), 'c')).toEqual(
      new Set([mismatch]),
    );
    const expiry = end(async () => {
      advance(600_000);
      await vi.advanceTimersByTimeAsync(600_100);
    }, 'd');
    expect(await expiry).toEqual(new Set(['ERR_POSTERN_PENDING_EXPIRED']));
  });

  test('shares a failure to begin among those who asked together, and begins anew for the next', async () => {
    const { credentials, request, flow, linkOf } = open();
    const begin = flow.begin.bind(flow);
    let tries = 0;
    flow.begin = async () => {
      tries++;
      throw new PosternError('ERR_POSTERN_OAUTH_UNREACHABLE', 'no answer');
    };
    const codes = await Promise.all(
      Array.from({ length: 100 }, () => codeOf(credentials.acquire(alice, request))),
    );
    expect([new Set(codes), tries]).toEqual([new Set(['ERR_POSTERN_OAUTH_UNREACHABLE']), 1]);
    flow.begin = begin;
    expect((await linkOf()).kind).toBe('ticket');
  });

  test('does not wait forever for a flow that does not begin', async () => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
    });
    const { credentials, request, flow } = open();
    flow.begin = () => new Promise(() => {});
    let isOver = false;
    const asked = codeOf(credentials.acquire(alice, request)).finally(() => (isOver = true));
    while (!isOver) {
      await vi.advanceTimersByTimeAsync(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await asked).toBe('ERR_POSTERN_OAUTH_UNREACHABLE');
  });

  test('asks a person for no more than twenty things at once, of ten thousand that are wanted', async () => {
    const { credentials, request, begun } = open();
    const wanted = Array.from({ length: 10_000 }, (_, index) =>
      codeOf(credentials.acquire(alice, { ...request, resource: `r${index}` })),
    );
    const codes = await Promise.all(wanted);
    expect(codes.filter((code) => code === 'ERR_POSTERN_OOB_INTERACTION_REQUIRED')).toHaveLength(20);
    expect(codes.filter((code) => code === 'ERR_POSTERN_OOB_LIMIT')).toHaveLength(9_980);
    expect(begun).toHaveLength(20);
    expect(await codeOf(credentials.acquire(bob, request))).toBe('ERR_POSTERN_OOB_INTERACTION_REQUIRED');
  }, 30_000);

  test('counts what has ended no longer', async () => {
    const { credentials, request, linkOf, finish } = open();
    for (let index = 0; index < 25; index++)
      await finish(await linkOf(alice, { resource: `r${index}` }), { name: 'x' });
    expect(await codeOf(credentials.acquire(alice, { ...request, resource: 'one more' }))).toBe(
      'ERR_POSTERN_OOB_INTERACTION_REQUIRED',
    );
  });
});

describe('a person who declined', () => {
  test('is not asked again for a minute, and then is', async () => {
    const { interactions, credentials, request, linkOf, pendingOf, begun, advance } = open();
    await interactions.decline(await pendingOf(await linkOf()));
    const codes = await Promise.all(
      Array.from({ length: 100 }, () => codeOf(credentials.acquire(alice, request))),
    );
    expect([new Set(codes), begun.length]).toEqual([new Set(['ERR_POSTERN_AUTH_DENIED']), 1]);
    expect(await codeOf(credentials.acquire(alice, { ...request, alias: 'work' }))).toBe(
      'ERR_POSTERN_OOB_INTERACTION_REQUIRED',
    );
    advance(60_000);
    await linkOf();
    expect(begun).toEqual(['db default', 'db work', 'db default']);
  });

  test('is asked again at once when they say so', async () => {
    const { interactions, credentials, linkOf, pendingOf } = open();
    const first = await linkOf();
    await interactions.decline(await pendingOf(first));
    await credentials.askAgain(alice, 'db');
    expect((await linkOf()).url).not.toBe(first.url);
  });

  test('after having finished has not declined', async () => {
    const { interactions, credentials, request, linkOf, pendingOf, finish } = open();
    const link = await linkOf();
    const pending = await pendingOf(link);
    await finish(link, { name: 'a' });
    await interactions.decline(pending);
    await credentials.forget(alice, 'db', 'default');
    expect(await codeOf(credentials.acquire(alice, request))).toBe('ERR_POSTERN_OOB_INTERACTION_REQUIRED');
  });

  test('keeps nothing of what comes after, and it is given back where it came from', async () => {
    const { interactions, credentials, linkOf, pendingOf, discarded } = open();
    const pending = await pendingOf(await linkOf());
    await interactions.decline(pending);
    expect(await codeOf(interactions.finish(pending, { name: 'late' }))).toBe(
      'ERR_POSTERN_PENDING_ALREADY_FINISHED',
    );
    expect([discarded, await credentials.list(alice)]).toEqual([[{ name: 'late' }], []]);
  });

  test('by withdrawal of the caller has not declined', async () => {
    const { credentials, linkOf } = open();
    const first = await linkOf();
    await credentials.withdraw(alice, 'db');
    expect((await linkOf()).url).not.toBe(first.url);
  });
});

describe('scopes', () => {
  test('that are wanted while the person is asked are asked for, too, where the flow can', async () => {
    const { flow, linkOf, pendingOf } = open();
    flow.begin = async () => ({ data: {}, message: 'x' });
    Object.assign(flow, { widens: true });
    const narrow = await linkOf(alice, { scopes: ['a'] });
    const wide = await linkOf(alice, { scopes: ['b'] });
    expect(wide.url).toBe(narrow.url);
    expect((await pendingOf(wide)).data?.request.scopes).toEqual(['a', 'b']);
  });

  test('that come too late are asked for afterwards, together with those there are', async () => {
    const { credentials, request, linkOf, finish, begun } = open();
    const narrow = await linkOf(alice, { scopes: ['a'] });
    const wide = credentials.acquire(alice, { ...request, scopes: ['b'] }, { waitMs: 5_000 });
    expect((await linkOf(alice, { scopes: ['b'] })).url).toBe(narrow.url);
    await finish(narrow, { name: 'a' });
    await vi.waitFor(() => expect(begun).toEqual(['db default a', 'db default a b']));
    await finish(await linkOf(alice, { scopes: ['b'] }), { name: 'ab' });
    expect(await wide).toEqual({ name: 'ab' });
    expect(await credentials.acquire(alice, { ...request, scopes: ['a'] })).toEqual({ name: 'ab' });
  });

  test('of two callers at once are both in what the person is asked for, or asked for in turn', async () => {
    const { credentials, request, linkOf, finish, flow } = open();
    Object.assign(flow, { widens: true });
    const calls = [['a'], ['a', 'b'], ['c']].map((scopes) =>
      credentials.acquire(alice, { ...request, scopes }, { waitMs: 5_000 }),
    );
    const link = await linkOf(alice, { scopes: ['a', 'b', 'c'] });
    await finish(link, { name: 'abc' });
    expect(await Promise.all(calls)).toEqual([{ name: 'abc' }, { name: 'abc' }, { name: 'abc' }]);
  });
});

describe('a credential that has expired', () => {
  const expired = { name: 'old', expired: true };

  async function withExpired() {
    const stage = open();
    await stage.finish(await stage.linkOf(), expired);
    return stage;
  }

  test('is renewed once for two hundred callers in two processes, without asking anybody', async () => {
    const { flow, credentials, other, request, renewals, begun } = await withExpired();
    flow.renews = { name: 'new' };
    const calls = [credentials, other].flatMap((each) =>
      Array.from({ length: 100 }, () => each.acquire(alice, request)),
    );
    expect(new Set((await Promise.all(calls)).map(({ name }) => name))).toEqual(new Set(['new']));
    expect([renewals(), begun.length]).toEqual([1, 1]);
  });

  test('that has ended for good is asked for anew, with the scopes it had, and not tried again', async () => {
    const stage = open();
    await stage.finish(await stage.linkOf(alice, { scopes: ['a'] }), expired);
    await stage.linkOf(alice, { scopes: ['b'] });
    await stage.linkOf(alice, { scopes: ['a'] });
    await stage.linkOf(alice, { scopes: ['a'] });
    expect([stage.renewals(), stage.begun.at(-1)]).toEqual([1, 'db default a b']);
    expect(await stage.credentials.list(alice)).toEqual([]);
  });

  test('whose renewal fails stays, is not tried by everybody, and can be renewed later', async () => {
    const { flow, credentials, other, request, renewals, advance } = await withExpired();
    flow.fails = new PosternError('ERR_POSTERN_OAUTH_UNREACHABLE', 'no answer');
    const codes = await Promise.all(
      [credentials, other].flatMap((each) =>
        Array.from({ length: 50 }, () => codeOf(each.acquire(alice, request))),
      ),
    );
    expect(new Set(codes)).toEqual(new Set(['ERR_POSTERN_OAUTH_UNREACHABLE']));
    expect(renewals()).toBe(1);
    flow.fails = undefined;
    flow.renews = { name: 'new' };
    advance(2_000);
    expect(await credentials.acquire(alice, request)).toEqual({ name: 'new' });
  });

  test('is not brought back by a renewal that ends after it was forgotten', async () => {
    const { life, flow, credentials, request, discarded } = await withExpired();
    flow.renews = { name: 'new' };
    const renew = life.renew.bind(life);
    life.renew = async (stored, clock) => {
      await credentials.forget(alice, 'db');
      return renew(stored, clock);
    };
    expect(await codeOf(credentials.acquire(alice, request))).toBe('ERR_POSTERN_OOB_INTERACTION_REQUIRED');
    expect([discarded, await credentials.list(alice)]).toEqual([
      [{ name: 'old', expired: true }, { name: 'new' }],
      [],
    ]);
  });

  test('does not overwrite what the person has given meanwhile', async () => {
    const { life, flow, credentials, request, linkOf, finish, advance } = await withExpired();
    flow.renews = { name: 'renewed' };
    const renew = life.renew.bind(life);
    life.renew = async (stored, clock) => {
      advance(1_000);
      await finish(await linkOf(alice, { scopes: ['more'] }), { name: 'given' });
      return renew(stored, clock);
    };
    expect(await credentials.acquire(alice, request)).toEqual({ name: 'given' });
    expect(await credentials.acquire(alice, { ...request, scopes: ['more'] })).toEqual({ name: 'given' });
  });

  test('is kept although the store fails just then', async () => {
    const { flow, credentials, request, storage, renewals } = await withExpired();
    flow.renews = { name: 'new' };
    let failures = 0;
    storage.fault = (changes) => (isFor('credential')(changes) && failures++ < 2 ? 'down' : undefined);
    expect(await credentials.acquire(alice, request)).toEqual({ name: 'new' });
    expect([failures, renewals()]).toEqual([3, 1]);
  });
});

describe('reject', () => {
  test('of the stored credential has the person asked again', async () => {
    const { credentials, request, linkOf, finish } = open();
    const first = await linkOf();
    await finish(first, { name: 'a' });
    await credentials.reject(alice, request, { name: 'a' });
    expect((await linkOf()).url).not.toBe(first.url);
  });

  test('of one that has been replaced changes nothing', async () => {
    const { credentials, request, linkOf, finish } = open();
    await finish(await linkOf(), { name: 'newer' });
    await credentials.reject(alice, request, { name: 'older' });
    expect(await credentials.acquire(alice, request)).toEqual({ name: 'newer' });
  });

  test('renews what can be renewed', async () => {
    const { credentials, request, linkOf, finish, flow, begun } = open();
    await finish(await linkOf(), { name: 'a' });
    flow.renews = { name: 'b' };
    await Promise.all(Array.from({ length: 20 }, () => credentials.reject(alice, request, { name: 'a' })));
    expect(await credentials.acquire(alice, request)).toEqual({ name: 'b' });
    expect(begun).toHaveLength(1);
  });
});

describe('finish', () => {
  test('keeps the credential with the end of the pending, or neither', async () => {
    const { credentials, linkOf, pendingOf, storage, discarded, finish } = open();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const link = await linkOf();
    storage.fault = (changes) => (isFor('credential')(changes) ? 'down' : undefined);
    let isOver = false;
    const finishing = codeOf(finish(link, { name: 'a' })).finally(() => (isOver = true));
    while (!isOver) {
      await vi.advanceTimersByTimeAsync(50);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await finishing).toBe('ERR_POSTERN_STORAGE_UNAVAILABLE');
    expect([(await pendingOf(link)).status, await credentials.list(alice), discarded]).toEqual([
      'pending',
      [],
      [{ name: 'a' }],
    ]);
  });

  test('whose answer was lost has been kept', async () => {
    const { credentials, request, linkOf, finish, storage, discarded } = open();
    const link = await linkOf();
    let lost = 0;
    storage.fault = (changes) => (isFor('credential')(changes) && lost++ === 0 ? 'answer lost' : undefined);
    await finish(link, { name: 'a' });
    expect([await credentials.acquire(alice, request), discarded]).toEqual([{ name: 'a' }, []]);
  });

  test('a moment after time has ended the pending keeps what the person gave', async () => {
    const { interactions, credentials, request, linkOf, pendingOf, advance } = open();
    const pending = await pendingOf(await linkOf());
    advance(600_001);
    await interactions.finish(pending, { name: 'late' });
    expect(await credentials.acquire(alice, request)).toEqual({ name: 'late' });
  });

  test('of an expired pending does not replace what a later one gave', async () => {
    const { interactions, credentials, request, linkOf, pendingOf, finish, advance } = open();
    const old = await pendingOf(await linkOf());
    advance(600_001);
    await finish(await linkOf(), { name: 'newer' });
    expect(await codeOf(interactions.finish(old, { name: 'older' }))).toBe('ERR_POSTERN_PENDING_NOT_FOUND');
    expect(await credentials.acquire(alice, request)).toEqual({ name: 'newer' });
  });
});
