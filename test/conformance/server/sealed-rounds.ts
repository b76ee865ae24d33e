import { inputRequired, type InputRequiredResult, type ServerContext } from '@modelcontextprotocol/server';
import { randomId } from '../../../src/core/random.ts';
import type { Oob, Principal } from '../../../src/oob/index.ts';
import { hashArguments, RequestStates, type RequestState } from '../../../src/oob/request-state.ts';
import { asRequests, type Question } from './question.ts';

const ttlMs = 600_000;

/**
 * The rounds of tool calls whose memory is the client's: what was asked travels in the `requestState` that `Oob` seals.
 *
 * What comes back has been opened by `oob.requestState` before a tool sees it. It is good for one call of one tool.
 */
export class SealedRounds {
  readonly #oob: Oob;
  readonly #states: RequestStates;

  constructor(oob: Oob) {
    this.#oob = oob;
    this.#states = new RequestStates(oob.interactions.surroundings);
  }

  /** The questions that the call has put before, by their keys; none in its first round. */
  async askedBefore(tool: string, context: ServerContext): Promise<readonly string[]> {
    const state = openedState(context);
    if (state === undefined) return [];
    if (state.tool !== tool || state.arguments !== (await hashArguments({}))) {
      throw new Error('this requestState belongs to another call');
    }
    return state.asked.map(({ id }) => id);
  }

  /** Puts questions, and seals which they were together with those before. */
  async ask(
    tool: string,
    context: ServerContext,
    questions: readonly Question<unknown>[],
    before: readonly string[] = [],
  ): Promise<InputRequiredResult> {
    const { namespace } = await this.#principal(context);
    const requestState = await this.#states.seal(namespace, {
      tool,
      arguments: await hashArguments({}),
      asked: [
        ...before.map((id) => ({ id, accepted: true })),
        ...questions.map(({ key }) => ({ id: key, accepted: false })),
      ],
      nonce: randomId(),
      expiresAtMs: (await this.#oob.interactions.surroundings.now()) + ttlMs,
    });
    return inputRequired({ inputRequests: asRequests(questions), requestState });
  }

  /** Takes the one effect that a state is good for. @throws {Error} when another call has taken it. */
  async use(context: ServerContext): Promise<void> {
    const { namespace } = await this.#principal(context);
    const state = openedState(context);
    if (state === undefined || !(await this.#states.use(namespace, state))) {
      throw new Error('this requestState is spent');
    }
  }

  #principal({ http }: ServerContext): Promise<Principal> {
    return this.#oob.principal({ token: http?.authInfo?.token, claims: http?.authInfo?.extra });
  }
}

function openedState({ mcpReq }: ServerContext): RequestState | undefined {
  return mcpReq.requestState<{ readonly state: RequestState }>()?.state;
}
