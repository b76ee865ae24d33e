/** Few enough that an insertion moves little, many enough that there are few chunks. */
const maxChunkLength = 512;

/** Above this length a chunk grows with room to spare; below, it is kept at its exact size. */
const exactLength = 16;

/**
 * Records in the order of their paths.
 *
 * Small when it holds few records, and still quick to change when it holds many: an insertion moves at most one chunk.
 */
export class SortedRecords<R extends { readonly path: string }> {
  /** None is empty; all paths of one come before those of the next. */
  #chunks: R[][] = [];

  get isEmpty(): boolean {
    return this.#chunks.length === 0;
  }

  find(path: string): R | undefined {
    const chunk = this.#chunks[this.#chunkOf(path)];
    if (chunk === undefined) return undefined;
    const record = chunk[firstAtLeast(chunk, path)];
    return record?.path === path ? record : undefined;
  }

  /** Adds the record, or puts it in the place of the one with its path. */
  set(record: R): void {
    const last = this.#chunks.length - 1;
    if (last < 0) {
      // Not pushed: an array that has grown keeps room for sixteen more.
      this.#chunks = [[record]];
      return;
    }
    const at = Math.min(this.#chunkOf(record.path), last);
    const chunk = this.#chunks[at]!;
    const index = firstAtLeast(chunk, record.path);
    if (chunk[index]?.path === record.path) {
      chunk[index] = record;
    } else if (chunk.length < exactLength) {
      this.#chunks[at] = chunk.toSpliced(index, 0, record);
    } else {
      chunk.splice(index, 0, record);
      if (chunk.length > maxChunkLength) {
        this.#chunks.splice(at + 1, 0, chunk.splice(maxChunkLength / 2));
      }
    }
  }

  delete(path: string): void {
    const at = this.#chunkOf(path);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return;
    const index = firstAtLeast(chunk, path);
    if (chunk[index]?.path !== path) return;
    chunk.splice(index, 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
  }

  /** Those whose paths come after `path`, in order. The records must not be changed during the walk. */
  *after(path: string): Generator<R, void, undefined> {
    let at = this.#chunkOf(path);
    const first = this.#chunks[at];
    let index = first === undefined ? 0 : firstAtLeast(first, path);
    if (first?.[index]?.path === path) index++;
    for (; at < this.#chunks.length; at++, index = 0) {
      const chunk = this.#chunks[at]!;
      for (; index < chunk.length; index++) yield chunk[index]!;
    }
  }

  /** The chunk whose last path is the first that is not before `path`. */
  #chunkOf(path: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#chunks[middle]!.at(-1)!.path < path) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function firstAtLeast(records: readonly { readonly path: string }[], path: string): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (records[middle]!.path < path) low = middle + 1;
    else high = middle;
  }
  return low;
}
