import type { PosternErrorCode } from '../../core/error-codes.ts';
import type { Pending } from '../../pending/pending.ts';
import type { Pendings } from '../../pending/pendings.ts';
import type { Change } from '../../storage/contract.ts';
import type { Surroundings } from '../../sync/surroundings.ts';
import type { Namespace } from '../../namespace/namespace.ts';
import type { Asked, IsEnough } from '../asking/asking.ts';
import type { KeptCredential } from '../credentials/kept-credential.ts';
import type { Forgotten } from '../credentials/retirements.ts';
import type { Flow, InteractionData, NamedFlow } from '../flow.ts';
import type { Place, Want } from '../want.ts';
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
  /** The live interaction, begun if there is none. */
  ask(want: Want, flow: NamedFlow, isEnough: IsEnough): Promise<Asked | undefined>;
  askAgain(place: Place): Promise<void>;
  list(namespace: Namespace, options: { ended?: boolean }): Promise<KeptCredential[]>;
  forget(place: Place): Promise<Forgotten>;
  /** How a face asks for what is connected already, where its flows cannot. */
  readonly reconnect?: ((place: Place) => Promise<string | undefined>) | undefined;
  update(pending: Pending<InteractionData>, change: (data: unknown) => unknown): Promise<void>;
}
