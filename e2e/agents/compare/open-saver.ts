import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';

/** What a `MemorySaver` of LangGraph has, whichever its version. */
interface Saver {
  storage: unknown;
  writes: unknown;
}

/**
 * A checkpointer with what an earlier process saved in the directory. LangGraph's durable ones want a database; for a process
 * that is killed when it has saved, this is the same.
 */
export function openSaver<S extends Saver>(
  checkpointer: S,
  directory: string,
): { readonly checkpointer: S; readonly save: () => void } {
  const path = join(directory, 'checkpoints');
  if (existsSync(path)) Object.assign(checkpointer, deserialize(readFileSync(path)));
  return {
    checkpointer,
    save: () =>
      writeFileSync(path, serialize({ storage: checkpointer.storage, writes: checkpointer.writes })),
  };
}
