import type { Clock } from '../../src/core/clock.ts';

/** The system's clock, which a test can set forward. */
export interface SteppedClock {
  readonly clock: Clock;
  advance(ms: number): void;
}

export function createSteppedClock(): SteppedClock {
  let ahead = 0;
  return {
    clock: () => Date.now() + ahead,
    advance: (ms) => void (ahead += ms),
  };
}
