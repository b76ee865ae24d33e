import { openStage, type Stage } from '../../test/support/stage.ts';
import { walk } from '../../test/heart/walk.ts';
import type { SignInRequest } from '../../src/agents/index.ts';
import type { Answered, FaceOptions, FaceRuns, OpenFace } from './face.ts';

export interface FaceStage extends Stage {
  /** One for each host. */
  readonly runs: readonly FaceRuns[];
  readonly told: SignInRequest[];
  readonly answers: Answered[];
  /** Has a person go through the link that they were told last. */
  consent(user: string): Promise<void>;
  decline(user: string): Promise<void>;
}

/** A framework's runs in two hosts on one store, with a calendar behind a sign-in. */
export async function openFaceStage(
  open: OpenFace,
  options: Pick<FaceOptions, 'waitMs' | 'onPiece'> = {},
): Promise<FaceStage> {
  const stage = await openStage({ hosts: 2 });
  const told: SignInRequest[] = [];
  const answers: Answered[] = [];
  const runs = stage.managers.map((manager) =>
    open(manager, {
      ...options,
      tell: (request) => void told.push(request),
      onAnswer: (answer) => void answers.push(answer),
    }),
  );
  const lastTold = (user: string): SignInRequest => {
    const request = told.findLast(({ contextId }) => contextId === user);
    if (request === undefined) throw new Error(`${user} was told of nothing`);
    return request;
  };
  return {
    ...stage,
    runs,
    told,
    answers,
    consent: async (user) => {
      stage.as.approveAs(user);
      const page = await walk(await stage.host.openBrowser(user), lastTold(user).challenge.url);
      if (page.status !== 200) throw new Error(`the sign-in ended with status ${page.status}`);
    },
    decline: async (user) => {
      const { pendings, interactions } = stage.coordinator;
      const { pendingId } = lastTold(user).challenge;
      const pending = await (await pendings.locate(pendingId))?.get(pendingId);
      if (pending === undefined) throw new Error('there is nothing to decline');
      await interactions.decline(pending);
    },
  };
}
