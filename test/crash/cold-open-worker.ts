/** Opens stores that do not exist yet, each at the moment it is told to, and says how it went. */
import { openLocalStorage } from '../../src/storage/local.ts';

/** A directory to be, and when to open it: the same moment for all processes. */
export interface ColdStart {
  readonly directory: string;
  readonly atMs: number;
}

process.on('message', ({ directory, atMs }: ColdStart) => void open(directory, atMs));
process.on('disconnect', () => process.exit(0));
process.send?.('ready');

async function open(directory: string, atMs: number): Promise<void> {
  while (Date.now() < atMs) {
    // A timer is too coarse: the race lasts less than a millisecond.
  }
  try {
    await openLocalStorage(directory).close();
    process.send?.('opened');
  } catch (error) {
    process.send?.(String((error as { code?: unknown }).code ?? error));
  }
}
