/**
 * One invocation, in a process of its own: takes an event on standard input, answers it, finishes what it has begun, and
 * ends. What a platform for functions does around `answer` and `resume`, in a few lines.
 */
import { text } from 'node:stream/consumers';
import { silentLogger } from '../../src/index.ts';
import { openLocalStorage } from '../../src/storage/local.ts';
import { answer, resume, type Settings } from './agent-function.ts';
import type { FunctionAnswer, FunctionEvent } from './start-serverless.ts';

const { event, directory, settings } = JSON.parse(await text(process.stdin)) as {
  event: FunctionEvent;
  directory: string;
  settings: Omit<Settings, 'storage' | 'logger'>;
};
const storage = openLocalStorage(directory);
const work: Promise<unknown>[] = [];
const invocation = { waitUntil: (each: Promise<unknown>) => void work.push(each) };
const all: Settings = { ...settings, storage, logger: silentLogger };
const answered = event === 'timer' ? { resumed: await resume(all, invocation) } : await answerEvent(event);
for (const each of work) await each;
await storage.close();
console.log(JSON.stringify(answered satisfies FunctionAnswer));

async function answerEvent({ url, body, ...init }: Exclude<FunctionEvent, 'timer'>): Promise<FunctionAnswer> {
  const request = new Request(url, { ...init, ...(body !== '' && { body }) });
  const response = await answer(request, all, invocation);
  return { status: response.status, headers: [...response.headers], body: await response.text() };
}
