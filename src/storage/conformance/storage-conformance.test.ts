import { expect, test } from 'vitest';
import type { Change, Entry, Key, Page, Partitions, PartitionsPage, StorageBackend } from '../contract.ts';
import { formatKey } from '../keys.ts';
import { MemoryBackend } from '../memory-backend.ts';
import { storageConformance } from './storage-conformance.ts';

/** A store that is right in everything a test does not replace. */
class FaultyBackend extends MemoryBackend {
  readonly raw: {
    get: (key: Key) => Promise<Entry | undefined>;
    list: (prefix: Key, page?: Page) => Promise<Entry[]>;
    commit: (changes: readonly Change[]) => Promise<readonly string[] | undefined>;
    partitions: (page?: PartitionsPage) => Promise<Partitions>;
  } = {
    get: (key) => super.get(key),
    list: (prefix, page) => super.list(prefix, page),
    commit: (changes) => super.commit(changes),
    partitions: (page) => super.partitions(page),
  };
}

type Fault = (store: FaultyBackend, now: () => number) => Partial<StorageBackend>;

const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function unconditional(change: Change): Change {
  return { ...change, expect: undefined };
}

/** Takes a percent sign for something of its own. */
function joined(key: Key): Key {
  return [key[0], ...key.slice(1).flatMap((segment) => [...segment.split('%').filter(Boolean), 'x'])];
}

/** Each fault, and a word from the title of a case that must find it. */
const faults: Record<string, { fault: Fault; found: string }> = {
  'checks expectations before it writes, not while': {
    found: 'concurrent',
    fault: ({ raw }) => ({
      commit: async (changes) => {
        for (const change of changes) {
          const key = 'put' in change ? change.put : change.delete;
          const version = (await raw.get(key))?.version ?? 'absent';
          if (change.expect !== undefined && change.expect !== version) return undefined;
        }
        await later();
        return raw.commit(changes.map(unconditional));
      },
    }),
  },
  'applies a commit change by change': {
    found: 'undoes the whole commit',
    fault: ({ raw }) => ({
      commit: async (changes) => {
        const versions: string[] = [];
        for (const change of changes) {
          const version = await raw.commit([change]);
          if (version === undefined) return undefined;
          versions.push(...version);
        }
        return versions;
      },
    }),
  },
  'uses a hash of the value as version': {
    found: 'versions never return',
    fault: ({ raw }) => ({
      get: async (key) => {
        const entry = await raw.get(key);
        return entry && { ...entry, version: `v${entry.value.join()}` };
      },
      commit: async (changes) => {
        const done = await raw.commit(changes.map(unconditional));
        return done && changes.map((change) => ('put' in change ? `v${change.value.join()}` : ''));
      },
    }),
  },
  'matches prefixes by text': {
    found: 'a prefix ends at the end of a segment',
    fault: ({ raw }) => ({
      list: async (prefix, page) => {
        const all = await raw.list([prefix[0]], { limit: 1_000 });
        const under = all.filter(({ key }) => formatKey(key).startsWith(formatKey(prefix)));
        return under.filter(({ key }) => key.length > prefix.length).slice(0, page?.limit ?? 100);
      },
    }),
  },
  'takes some letters of a segment for its own': {
    found: 'every segment is taken literally',
    fault: ({ raw }) => {
      return {
        get: async (key) => raw.get(joined(key)),
        commit: (changes) =>
          raw.commit(
            changes.map((change) =>
              'put' in change
                ? { ...change, put: joined(change.put) }
                : { ...change, delete: joined(change.delete) },
            ),
          ),
      };
    },
  },
  'keeps expired entries': {
    found: 'an entry lives until its time',
    fault: ({ raw }) => ({
      commit: (changes) =>
        raw.commit(
          changes.map((change) =>
            'put' in change
              ? { ...change, expiresAtMs: change.expiresAtMs && change.expiresAtMs * 2 }
              : change,
          ),
        ),
    }),
  },
  'judges the life of an entry more leniently when it writes': {
    found: 'no commit that begins later succeeds',
    fault: ({ raw }, now) => ({
      get: async (key) => {
        const entry = await raw.get(key);
        return entry?.expiresAtMs !== undefined && entry.expiresAtMs <= now() + 30 ? undefined : entry;
      },
    }),
  },
  'finds an entry expired first, and takes its place later': {
    found: 'as an entry expires',
    fault: ({ raw }, now) => ({
      commit: async (changes) => {
        const [change] = changes;
        if (changes.length !== 1 || change?.expect !== 'absent' || !('put' in change))
          return raw.commit(changes);
        const { expiresAtMs } = (await raw.get(change.put)) ?? {};
        const endsSoon = expiresAtMs !== undefined && expiresAtMs <= now() + 10;
        await later();
        return raw.commit(endsSoon ? [unconditional(change)] : changes);
      },
    }),
  },
  'reads a moment behind what it has written': {
    found: 'whoever was told of a version',
    fault: ({ raw }) => {
      let stale: Promise<Entry | undefined> | undefined;
      return {
        get: async (key) => {
          const seen = stale ?? raw.get(key);
          stale = undefined;
          return seen;
        },
        commit: async (changes) => {
          const [change] = changes;
          if (change !== undefined && 'put' in change) stale = Promise.resolve(await raw.get(change.put));
          return raw.commit(changes);
        },
      };
    },
  },
  'pages include the key they come after': {
    found: 'pages begin and end',
    fault: ({ raw }) => ({
      list: async (prefix, page) => {
        const entries = await raw.list(prefix, page);
        const first = page?.after && (await raw.get(page.after));
        return first ? [first, ...entries].slice(0, page?.limit ?? 100) : entries;
      },
    }),
  },
  'mixes partitions that differ in case': {
    found: 'partitions are apart',
    fault: ({ raw }) => ({
      get: (key) => raw.get([key[0].toLowerCase(), ...key.slice(1)]),
      list: (prefix, page) => raw.list([prefix[0].toLowerCase(), ...prefix.slice(1)], page),
      commit: (changes) =>
        raw.commit(
          changes.map((change) =>
            'put' in change
              ? { ...change, put: [change.put[0].toLowerCase(), ...change.put.slice(1)] }
              : { ...change, delete: [change.delete[0].toLowerCase(), ...change.delete.slice(1)] },
          ),
        ),
    }),
  },
  'names partitions as prefixes of its own keys': {
    found: 'every partition',
    fault: ({ raw: { partitions } }) => ({
      partitions: async (page) => {
        const found = await partitions(page);
        return { ...found, partitions: found.partitions.map((name) => name.split(':')[0]!) };
      },
    }),
  },
  'names partitions of the first page alone': {
    found: 'every partition',
    fault: ({ raw: { partitions } }) => ({
      partitions: async (page) => ({ partitions: (await partitions(page)).partitions }),
    }),
  },
  'keeps values as text': {
    found: 'byte for byte',
    fault: ({ raw }) => ({
      commit: (changes) =>
        raw.commit(
          changes.map((change) =>
            'put' in change && change.value instanceof Uint8Array
              ? { ...change, value: new TextEncoder().encode(new TextDecoder().decode(change.value)) }
              : change,
          ),
        ),
    }),
  },
  'hands out one array to every reader': {
    found: 'a store keeps its own copy',
    fault: ({ raw }) => {
      const shared = new Map<string, Entry>();
      return {
        get: async (key) => {
          const entry = await raw.get(key);
          if (entry === undefined) return undefined;
          const known = shared.get(entry.version) ?? entry;
          shared.set(entry.version, known);
          return known;
        },
      };
    },
  },
  'lets nobody know': { found: 'a signal wakes the listeners', fault: () => ({ signal: async () => {} }) },
  'calls listeners from a timer and catches nothing': {
    found: 'a listener that throws',
    fault: () => {
      const listeners = new Set<() => void>();
      return {
        listen: async (_, wake) => {
          listeners.add(wake);
          return async () => void listeners.delete(wake);
        },
        signal: async () => {
          for (const wake of listeners) setTimeout(wake, 0);
        },
      };
    },
  },
  'calls listeners in a promise that nobody looks at': {
    found: 'a listener that throws',
    fault: () => {
      const listeners = new Set<() => void>();
      return {
        listen: async (_, wake) => {
          listeners.add(wake);
          return async () => void listeners.delete(wake);
        },
        signal: async () => {
          for (const wake of listeners) void later().then(wake);
        },
      };
    },
  },
  'goes on after close': {
    found: 'a closed handle refuses',
    fault: () => ({ close: async () => {} }),
  },
};

test.each(Object.entries(faults))(
  'a store that %s is found out',
  async (_, { fault, found }) => {
    const cases = storageConformance().filter((each) => each.title.includes(found));
    expect(cases).not.toEqual([]);
    const outcomes = await Promise.allSettled(
      cases.map((each) => {
        let nowMs = 1_800_000_000_000;
        const clock = { now: () => nowMs, advance: (ms: number) => void (nowMs += ms) };
        const store = new FaultyBackend({ clock: clock.now });
        Object.assign(store, fault(store, clock.now));
        return each.run({ clock, open: async () => store });
      }),
    );
    expect(outcomes.map(({ status }) => status)).toContain('rejected');
  },
  60_000,
);

test('titles are unique, so that a failure names one case', () => {
  const titles = storageConformance().map(({ title }) => title);
  expect(new Set(titles).size).toBe(titles.length);
});
