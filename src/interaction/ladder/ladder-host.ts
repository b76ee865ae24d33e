import type { PosternErrorCode } from '../../core/error-codes.ts';
import type { Pending } from '../../pending/pending.ts';
import type { Pendings } from '../../pending/pendings.ts';
import type { Change } from '../../storage/contract.ts';
import type { Surroundings } from '../../sync/surroundings.ts';
import type { Flow, InteractionData } from '../flow.ts';
import type { Gate } from '../gates/gate.ts';

/** What the ladder does its work with. */
export interface LadderHost {
  readonly surroundings: Surroundings;
  readonly gate: Gate;
  readonly pendings: Pendings<InteractionData>;
  /** After this long, a taken attempt belongs to a process that died on the way. */
  readonly leaseMs: number;
  flowNamed(name: string): Flow | undefined;
  attend(pending: Pending<InteractionData>): void;
  wait(
    pending: Pending<InteractionData>,
    options: { timeoutMs: number },
  ): Promise<Pending<InteractionData> | undefined>;
  finish(
    pending: Pending<InteractionData>,
    credential: unknown,
    options: { scopes?: readonly string[] | undefined; alongside?: readonly Change[] | undefined },
  ): Promise<'in time' | 'late'>;
  end(
    pending: Pending<InteractionData>,
    code: PosternErrorCode,
    alongside?: readonly Change[],
  ): Promise<void>;
  update(pending: Pending<InteractionData>, change: (data: unknown) => unknown): Promise<void>;
}
