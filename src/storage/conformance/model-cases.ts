import { absent, type Change, type Key, type StorageBackend } from '../contract.ts';
import { encodePath, pathOf } from '../keys.ts';
import { check, checkEqual } from './check.ts';
import { defineCase, freshPartition, type CaseContext, type ConformanceCase } from './conformance-case.ts';
import { hostileSegments } from './list-cases.ts';
import { seededRandom, type SeededRandom } from './seeded-random.ts';
import { bytes, textOf } from './subject-access.ts';

/** How long the random run is. */
export interface ModelOptions {
  /** Default 2,000. */
  readonly operations?: number | undefined;
  /** Default 200. */
  readonly namespaces?: number | undefined;
  /** Repeats a run. Default 1. */
  readonly seed?: number | undefined;
}

interface ModelEntry {
  readonly key: Key;
  readonly value: string;
  readonly version: string;
  readonly expiresAtMs: number | undefined;
}

/** What the store must hold: a partition's entries by encoded path. */
type Model = Map<string, Map<string, ModelEntry>>;

/** Random operations in many namespaces, each answer compared with that of a plain `Map`. */
export function modelCase(options: ModelOptions = {}): ConformanceCase {
  const { operations = 2_000, namespaces = 200, seed = 1 } = options;
  return defineCase(
    `${operations} random operations in ${namespaces} namespaces agree with a plain map, and none sees another's value (seed ${seed})`,
    (context) => new ModelRun(context, seededRandom(seed), namespaces).run(operations),
    { timeoutMs: 60_000 + operations * 20 },
  );
}

class ModelRun {
  readonly #context: CaseContext;
  readonly #random: SeededRandom;
  readonly #partitions: readonly string[];
  readonly #model: Model = new Map();
  #written = 0;

  constructor(context: CaseContext, random: SeededRandom, namespaces: number) {
    const run = freshPartition();
    this.#context = context;
    this.#random = random;
    this.#partitions = Array.from(
      { length: namespaces },
      (_, index) =>
        // Names that begin like one another, with letters that mean something somewhere.
        `${run}:${hostileSegments[index % hostileSegments.length]}${index < hostileSegments.length ? '' : index}`,
    );
  }

  async run(operations: number): Promise<void> {
    for (let done = 0; done < operations; done++) {
      const partition = this.#random.pick(this.#partitions);
      const kind = this.#random.below(100);
      if (kind < 50) await this.#commit(partition);
      else if (kind < 75) await this.#get(partition);
      else if (kind < 99) await this.#list(partition);
      else await this.#letTimePass();
    }
    const cleared = this.#random.pick(this.#partitions);
    await this.#clear(cleared);
    for (const partition of this.#partitions) await this.#compareAll(partition);
  }

  get #handle(): StorageBackend {
    return this.#random.below(2) ? this.#context.store : this.#context.other;
  }

  #path(): string[] {
    const names = ['a', 'b', 'ab', 'a:b', '*', '%', '_', '😀'];
    return Array.from({ length: 1 + this.#random.below(3) }, () => this.#random.pick(names));
  }

  #live(partition: string): Map<string, ModelEntry> {
    const entries = this.#model.get(partition) ?? new Map<string, ModelEntry>();
    this.#model.set(partition, entries);
    const now = this.#context.now();
    for (const [path, entry] of entries) {
      if (entry.expiresAtMs !== undefined && entry.expiresAtMs <= now) entries.delete(path);
    }
    return entries;
  }

  async #commit(partition: string): Promise<void> {
    const live = this.#live(partition);
    const byPath = new Map<string, Change>();
    for (let count = 1 + this.#random.below(4); count > 0; count--) {
      const key: Key = [partition, ...this.#path()];
      byPath.set(pathOf(key), this.#change(key, live.get(pathOf(key))));
    }
    const changes = [...byPath.values()];
    const holds = changes.every((change) => {
      const key = 'put' in change ? change.put : change.delete;
      return change.expect === undefined || change.expect === (live.get(pathOf(key))?.version ?? absent);
    });
    const versions = await this.#handle.commit(changes);
    checkEqual(versions !== undefined, holds, 'whether a commit succeeds');
    if (versions === undefined) return;
    checkEqual(versions.length, changes.length, 'as many versions as changes');
    for (const [index, change] of changes.entries()) {
      if ('put' in change) {
        live.set(pathOf(change.put), {
          key: change.put,
          value: textOf(change.value)!,
          version: versions[index]!,
          expiresAtMs: change.expiresAtMs,
        });
      } else {
        live.delete(pathOf(change.delete));
      }
    }
  }

  #change(key: Key, found: ModelEntry | undefined): Change {
    const expectations = [
      undefined,
      undefined,
      found?.version ?? absent,
      found?.version ?? absent,
      absent,
      'stale',
    ];
    const expect = this.#random.pick(expectations);
    if (this.#random.below(4) === 0) return { delete: key, expect };
    // The canary: a value names the only namespace it may ever be read in.
    const value = bytes(`CNRY ${key[0]} ${this.#written++}`);
    // Only a clock that stands still between operations says for sure what has expired.
    const isMortal = this.#context.subject.clock !== undefined && this.#random.below(4) === 0;
    const expiresAtMs = Math.round(this.#context.now()) + 1 + this.#random.below(5_000);
    return isMortal ? { put: key, value, expect, expiresAtMs } : { put: key, value, expect };
  }

  async #get(partition: string): Promise<void> {
    const key: Key = [partition, ...this.#path()];
    this.#compare(await this.#handle.get(key), this.#live(partition).get(pathOf(key)), partition);
  }

  async #list(partition: string): Promise<void> {
    const prefix: Key = [partition, ...this.#path().slice(0, this.#random.below(3))];
    const limit = this.#random.below(6);
    const after: Key | undefined = this.#random.below(2) ? [partition, ...this.#path()] : undefined;
    const under = prefix.length === 1 ? '' : `${encodePath(prefix.slice(1))}:`;
    const expected = [...this.#live(partition).entries()]
      .filter(([path]) => path.startsWith(under) && (after === undefined || path > pathOf(after)))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, limit);
    const found = await this.#handle.list(prefix, { limit, after });
    checkEqual(
      found.map((entry) => entry.key),
      expected.map(([, entry]) => entry.key),
      'the keys of a listing',
    );
    for (const [index, entry] of found.entries()) this.#compare(entry, expected[index]?.[1], partition);
  }

  async #letTimePass(): Promise<void> {
    if (this.#context.subject.clock !== undefined) await this.#context.advance(this.#random.below(2_000));
  }

  async #clear(partition: string): Promise<void> {
    const entries = await this.#handle.list([partition], { limit: 1_000 });
    for (let start = 0; start < entries.length; start += 100) {
      await this.#handle.commit(entries.slice(start, start + 100).map((entry) => ({ delete: entry.key })));
    }
    this.#model.delete(partition);
  }

  async #compareAll(partition: string): Promise<void> {
    const found = await this.#handle.list([partition], { limit: 1_000 });
    const live = this.#live(partition);
    checkEqual(found.length, live.size, 'how many entries a namespace has in the end');
    for (const entry of found) this.#compare(entry, live.get(pathOf(entry.key)), partition);
  }

  #compare(
    found: { key: Key; value: Uint8Array; version: string; expiresAtMs?: number } | undefined,
    expected: ModelEntry | undefined,
    partition: string,
  ): void {
    const value = textOf(found?.value);
    check(
      value === undefined || value.startsWith(`CNRY ${partition} `),
      'a value of another namespace was read',
    );
    const entry = found && { ...found, value, expiresAtMs: found.expiresAtMs };
    checkEqual(entry, expected, 'an entry');
  }
}
