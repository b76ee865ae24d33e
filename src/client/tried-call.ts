import type * as EnterPending from '../interaction/enter-pending.ts';
import type { InteractionData } from '../interaction/flow.ts';
import type { Pending } from '../pending/pending.ts';

let entered: typeof EnterPending | undefined;

/** Runs the handler of a parked call that is tried while its pending lives. Its calls know what they are repeated for. */
export async function tryFor<R>(pending: Pending<InteractionData>, work: () => Promise<R>): Promise<R> {
  // Most processes try nothing, and load nothing for it.
  entered ??= await import('../interaction/enter-pending.ts');
  return entered.enterTry(pending, work);
}

/** What the call that is being made was parked on, when it is a try. */
export function triedFor(): Pending<InteractionData> | undefined {
  return entered?.currentTry<InteractionData>();
}
