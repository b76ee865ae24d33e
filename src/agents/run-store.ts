import type { Tool } from '@modelcontextprotocol/client';
import { z, type ZodType } from 'zod';
import { PosternError } from '../core/postern-error.ts';
import { Collection, type Stored } from '../storage/collection.ts';
import { absent } from '../storage/contract.ts';
import type { NamespacedStorage } from '../storage/namespaced-storage.ts';

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
  /** The server's tool; left out for the one that has the user asked. */
  readonly tool?: Tool | undefined;
}

/** A run that is paused, or has its answer. */
export interface RunRecord {
  readonly id: string;
  readonly status: 'paused' | 'answered' | 'delivered';
  /** Grows with every pause: a wake-up for an earlier one finds nothing to do. */
  readonly generation: number;
  /** How many parts its state is in; an answer is kept the same way. */
  readonly parts: number;
  readonly metadata?: unknown;
  readonly calls: readonly PausedCall[];
}

const runRecord: ZodType<RunRecord> = z.looseObject({
  id: z.string(),
  status: z.enum(['paused', 'answered', 'delivered']),
  generation: z.number().int(),
  parts: z.number().int(),
  metadata: z.unknown().optional(),
  calls: z.array(
    z.looseObject({
      callId: z.string(),
      name: z.string(),
      args: z.record(z.string(), z.unknown()),
      pendingId: z.string(),
      service: z.string(),
      tool: z.custom<Tool>((value) => typeof value === 'object' && value !== null).optional(),
    }),
  ),
});

const part = z.string();

/** The runs of one context that are kept: what the framework wants to go on from, and what they wait for. */
export class RunStore {
  readonly #records: Collection<RunRecord>;
  readonly #parts: Collection<string>;
  readonly #partLength: number;

  constructor(storage: NamespacedStorage) {
    this.#records = new Collection(storage.namespace('agent-run'), runRecord);
    this.#parts = new Collection(storage.namespace('agent-run-part'), part);
    this.#partLength = Math.min(maxPartLength, Math.floor(storage.backend.capabilities.maxValueBytes / 8));
  }

  find(id: string): Promise<Stored<RunRecord> | undefined> {
    return this.#records.find(id);
  }

  /** What the framework goes on from, or the answer. */
  async read({ value: { id, generation, status, parts } }: Stored<RunRecord>): Promise<unknown> {
    const names = Array.from({ length: parts }, (_, index) => partPath({ id, generation, status }, index));
    const found = await Promise.all(names.map((name) => this.#parts.find(...name)));
    if (found.some((one) => one === undefined)) {
      throw new PosternError('ERR_POSTERN_STORAGE_CORRUPT', 'a paused run is not there as a whole');
    }
    return JSON.parse(found.map((one) => one?.value).join('')) as unknown;
  }

  /**
   * Writes a run, in the place of what it was before. `undefined` when it is not that any more.
   *
   * @throws {PosternError} ERR_POSTERN_RESUME_PAYLOAD_INVALID when its state is no JSON, or too long.
   */
  async write(
    run: Omit<RunRecord, 'parts'>,
    state: unknown,
    { from, expiresAtMs }: { from: Stored<RunRecord> | undefined; expiresAtMs: number },
  ): Promise<Stored<RunRecord> | undefined> {
    const text = textOf(state);
    const parts = Array.from({ length: Math.ceil(text.length / this.#partLength) }, (_, index) =>
      text.slice(index * this.#partLength, (index + 1) * this.#partLength),
    );
    // The parts first: by themselves they are nothing, and the record decides.
    for (const [index, value] of parts.entries())
      await this.#parts.put(partPath(run, index), value, { expiresAtMs });
    const value = { ...run, parts: parts.length };
    const version = await this.#records.put([run.id], value, {
      expect: from?.version ?? absent,
      expiresAtMs,
    });
    if (version === undefined) return undefined;
    if (from !== undefined) await this.#dropParts(from.value);
    return { value, version, expiresAtMs, path: [run.id] };
  }

  async #dropParts({ id, generation, status, parts }: RunRecord): Promise<void> {
    for (let index = 0; index < parts; index++)
      await this.#parts.delete(partPath({ id, generation, status }, index));
  }
}

function partPath(
  { id, generation, status }: Pick<RunRecord, 'id' | 'generation' | 'status'>,
  index: number,
): string[] {
  return [id, `${generation} ${status}`, String(index)];
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
