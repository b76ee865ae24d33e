import type { Tool } from '@modelcontextprotocol/client';
import { z, type ZodType } from 'zod';
import { defaultAlias } from '../client/account-alias.ts';
import { PosternError } from '../core/postern-error.ts';
import { randomId, type RandomBytes } from '../core/random.ts';
import { Collection, type Stored } from '../storage/collection.ts';
import { absent } from '../storage/contract.ts';
import type { NamespacedStorage } from '../storage/namespaced-storage.ts';
import type { ServiceAt } from './services.ts';

/** A conversation of this size is none that a model could still read. */
const maxStateLength = 16 * 1024 * 1024;
/** Leaves room for four bytes a letter, and for what sealing adds, in the smallest store. */
const maxPartLength = 64 * 1024;

/** A call that waits for a person, with all that is needed to make it in another process. */
export interface PausedCall {
  readonly callId: string;
  /** As the model calls it. */
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly pendingId: string;
  readonly service: string;
  /** Which of its user's accounts there; left out for `default`. */
  readonly alias?: string | undefined;
  /** The server's tool; left out for the one that has the user asked. */
  readonly tool?: Tool | undefined;
}

export function placeOf({ service, alias = defaultAlias }: PausedCall): ServiceAt {
  return { server: service, alias };
}

/** What a paused run goes on from. */
export interface KeptPause<S> {
  readonly state: S;
  readonly calls: readonly PausedCall[];
}

/** A run that is paused, or has its answer. */
export interface RunRecord {
  readonly id: string;
  readonly status: 'paused' | 'answered' | 'delivered';
  /** Grows with every pause: a wake-up for an earlier one finds nothing to do. */
  readonly generation: number;
  /** Where its {@link KeptPause} is kept, or its answer, and in how many parts: either may be long. */
  readonly parts: { readonly at: string; readonly count: number };
  readonly metadata?: unknown;
  /** The pendings that its calls wait for. */
  readonly waitsFor: readonly string[];
}

const runRecord: ZodType<RunRecord> = z.looseObject({
  id: z.string(),
  status: z.enum(['paused', 'answered', 'delivered']),
  generation: z.number().int(),
  parts: z.looseObject({ at: z.string(), count: z.number().int() }),
  metadata: z.unknown().optional(),
  waitsFor: z.array(z.string()),
});

const part = z.string();

/** The runs of one context that are kept: what the framework wants to go on from, and what they wait for. */
export class RunStore {
  readonly #records: Collection<RunRecord>;
  readonly #parts: Collection<string>;
  readonly #partLength: number;
  readonly #random: RandomBytes;

  constructor(storage: NamespacedStorage, random: RandomBytes) {
    this.#random = random;
    this.#records = new Collection(storage.namespace('agent-run'), runRecord);
    this.#parts = new Collection(storage.namespace('agent-run-part'), part);
    this.#partLength = Math.min(maxPartLength, Math.floor(storage.backend.capabilities.maxValueBytes / 8));
  }

  find(id: string): Promise<Stored<RunRecord> | undefined> {
    return this.#records.find(id);
  }

  /** {@link find}, of which one that cannot be read is none. */
  findReadable(id: string): Promise<Stored<RunRecord> | undefined> {
    return this.#records.findReadable(id);
  }

  /** What it goes on from, or the answer. */
  async read({ value: { id, parts } }: Stored<RunRecord>): Promise<unknown> {
    const found = await Promise.all(pathsOf(id, parts).map((path) => this.#parts.find(...path)));
    if (found.length === 0 || found.some((one) => one === undefined)) {
      throw new PosternError('ERR_POSTERN_STORAGE_CORRUPT', 'a paused run is not there as a whole');
    }
    return JSON.parse(found.map((one) => one?.value).join('')) as unknown;
  }

  /**
   * Writes a run, in the place of what it was before. `undefined` when it is not that any more.
   *
   * @param kept what is kept with it; left out: nothing.
   * @throws {PosternError} ERR_POSTERN_RESUME_PAYLOAD_INVALID when its state is no JSON, or too long.
   */
  async write(
    run: Omit<RunRecord, 'parts'>,
    { from, expiresAtMs }: { from: Stored<RunRecord> | undefined; expiresAtMs: number },
    kept?: unknown,
  ): Promise<Stored<RunRecord> | undefined> {
    const text = kept === undefined ? '' : textOf(kept);
    const count = Math.ceil(text.length / this.#partLength);
    // A place of their own: whoever has lost the run to another writes into nothing of theirs.
    const parts = { at: randomId(this.#random), count };
    // Before the record, which decides: by themselves they are nothing.
    for (const [index, path] of pathsOf(run.id, parts).entries()) {
      const value = text.slice(index * this.#partLength, (index + 1) * this.#partLength);
      await this.#parts.put(path, value, { expiresAtMs });
    }
    const value = { ...run, parts };
    const version = await this.#records.put([run.id], value, {
      expect: from?.version ?? absent,
      expiresAtMs,
    });
    const dropped = version === undefined ? parts : from?.value.parts;
    if (dropped !== undefined)
      await Promise.all(pathsOf(run.id, dropped).map((path) => this.#parts.delete(path)));
    return version === undefined ? undefined : { value, version, expiresAtMs, path: [run.id] };
  }
}

function pathsOf(id: string, { at, count }: RunRecord['parts']): string[][] {
  return Array.from({ length: count }, (_, index) => [id, at, String(index)]);
}

function textOf(state: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(state);
  } catch (cause) {
    throw new PosternError('ERR_POSTERN_RESUME_PAYLOAD_INVALID', 'the state of a run is not JSON', { cause });
  }
  if (text !== undefined && text.length <= maxStateLength) return text;
  throw new PosternError(
    'ERR_POSTERN_RESUME_PAYLOAD_INVALID',
    `the state of a run must be JSON of at most ${maxStateLength} characters`,
    { hint: 'Keep large files out of the conversation, and name them instead.' },
  );
}
