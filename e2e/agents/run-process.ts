/** One process of a host with agents: it begins runs as its parent says, resumes what is parked, and serves the pages. */
import { ClientManager, RemoteAuthCoordinator } from '../../src/client/index.ts';
import type { SignInRequest } from '../../src/agents/index.ts';
import { openLocalStorage } from '../../src/storage/local.ts';
import { answerParent } from '../../test/support/answer-parent.ts';
import { userOf } from '../../test/support/page-host.ts';
import type { Answered, OpenFace } from './face.ts';
import type { Script } from './script.ts';

export type RunQuestion =
  | { readonly start: { readonly user: string; readonly script: Script; readonly metadata: unknown } }
  | { readonly report: true };

/** What this process has told people, and answered. */
export interface RunReport {
  readonly told: readonly SignInRequest[];
  readonly answers: readonly Answered[];
}

const [directory = '', publicUrl = '', calendarUrl = '', face = ''] = process.argv.slice(2);

const storage = openLocalStorage(directory);
const coordinator = new RemoteAuthCoordinator({
  storage,
  publicUrl,
  verifyUser: userOf,
  resume: { claimMs: 3_000, sweepMs: 500 },
});
const manager = new ClientManager({ calendar: { url: calendarUrl } }, { coordinator });
const told: SignInRequest[] = [];
const answers: Answered[] = [];
const faces: Readonly<Record<string, () => Promise<OpenFace>>> = {
  openai: async () => (await import('./openai-face.ts')).openOpenAI,
  'ai-sdk': async () => (await import('./ai-sdk-face.ts')).openAiSdk,
  langchain: async () => (await import('./langchain-face.ts')).openLangChain,
  mastra: async () => (await import('./mastra-face.ts')).openMastra,
};
const open = await faces[face]?.();
if (open === undefined) throw new Error(`no face ${JSON.stringify(face)}`);
const runs = open(manager, {
  tell: (request) => void told.push(request),
  onAnswer: (answer) => void answers.push(answer),
});
await manager.start();

await answerParent(coordinator.fetch, async (question: RunQuestion) => {
  if ('report' in question) return { told, answers } satisfies RunReport;
  const { user, script, metadata } = question.start;
  return runs.start(user, script, metadata);
});
