import { z } from 'zod';
import type { CalendarServerOptions } from '../../demo/calendar-server.ts';
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
  options: Partial<Pick<FaceOptions, 'waitMs' | 'onPiece' | 'tell'>> = {},
): Promise<FaceStage> {
  const stage = await openStage({ hosts: 2, calendar: { extraTools: registerOddTools } });
  const told: SignInRequest[] = [];
  const answers: Answered[] = [];
  const runs = stage.managers.map((manager) =>
    open(manager, {
      tell: (request) => void told.push(request),
      ...options,
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

/** Tools with results that are more than a text. */
const registerOddTools: CalendarServerOptions['extraTools'] = (server) => {
  const outputSchema = z.object({ free: z.array(z.string()) });
  server.registerTool('picture', { description: 'A picture of the day', outputSchema }, () => ({
    content: [
      { type: 'text', text: 'The day as a picture' },
      { type: 'image', data: picture, mimeType: 'image/png' },
    ],
    structuredContent: { free: ['13:00'] },
  }));
  server.registerTool('broken', { description: 'Always fails' }, () => ({
    content: [{ type: 'text', text: 'the calendar is being repaired' }],
    isError: true,
  }));
};

/** One pixel. */
export const picture =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
