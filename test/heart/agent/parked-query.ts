import {
  findAuthorizationRequired,
  type AuthChallenge,
  type ClientManager,
} from '../../../src/client/index.ts';
import { failureOf, textOf } from '../../support/stage.ts';
import { runQuery } from './asking-call.ts';
import type { Pair } from './asking-pair.ts';

/** A call that failed for want of a person, and was parked. */
export interface ParkedQuery {
  readonly challenge: AuthChallenge;
  /** What came of it afterwards, in whichever process. */
  readonly resumed: readonly string[];
  /** Has another manager take it up. */
  readonly resumeIn: (manager: ClientManager) => ReturnType<ClientManager['continuation']>;
}

export async function parkQuery(pair: Pair): Promise<ParkedQuery> {
  const resumed: string[] = [];
  const resumeIn = (manager: ClientManager): ReturnType<ClientManager['continuation']> =>
    manager.continuation('later', async ({ client }) => void resumed.push(textOf(await runQuery(client))), {
      abandon: async (_call, code) => void resumed.push(code),
    });
  const place = resumeIn(pair.manager);
  const error = await failureOf(runQuery(pair.client));
  await place.park(error, {});
  const challenge = findAuthorizationRequired(error)?.challenge;
  if (challenge === undefined) throw new Error('nobody was asked');
  return { challenge, resumed, resumeIn };
}
