import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { Pending } from '../pending/pending.ts';
import type { Continuations } from '../resume/continuations.ts';
import type { StorageBackend } from '../storage/contract.ts';

/** Has requests that were parked on a pending of this store go on at once when it ends, in whichever process their worker is. */
export function wakeParked(options: {
  readonly storage: StorageBackend;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
}): (ended: Pending) => Promise<void> {
  let continuations: Promise<Continuations> | undefined;
  return async ({ namespace, id }) => {
    continuations ??= import('../resume/continuations.ts').then(
      ({ Continuations: Loaded }) => new Loaded(options),
    );
    await (await continuations).announce(namespace, id);
  };
}
