import { onTestFinished } from 'vitest';
import { forward } from '../../demo/forward.ts';
import { ChildProgram } from './child-program.ts';
import type { FromPageProcess, ToPageProcess } from './answer-parent.ts';
import type { PageHost } from './page-host.ts';

/** A process that serves pages behind a host, and does what it is asked. */
export interface PageProcess<Question, Answer> {
  /** @throws {Error} when the process ends first. */
  readonly ask: (question: Question) => Promise<Answer>;
  /** As a crash would end it. Its pages are asked for elsewhere from then on. */
  readonly kill: () => Promise<void>;
}

/** Starts one. The pages of the host are served by all that run, in turn. */
export async function startPageProcess<Question, Answer>(
  program: URL,
  args: readonly string[],
  host: PageHost,
  env?: Readonly<Record<string, string>>,
): Promise<PageProcess<Question, Answer>> {
  const child = new ChildProgram<ToPageProcess<Question>, FromPageProcess<Answer>>({
    name: 'a process with pages',
    program,
    args,
    env,
  });
  const handler = (request: Request): Promise<Response> => forward(request, port);
  const kill = async (): Promise<void> => {
    const place = host.handlers.indexOf(handler);
    if (place !== -1) host.handlers.splice(place, 1);
    await child.end();
  };
  onTestFinished(kill);
  const port = await child.heard('its port', (message) => ('port' in message ? message.port : undefined));
  host.handlers.push(handler);
  let asked = 0;
  return {
    kill,
    ask: async (question) => {
      const id = ++asked;
      child.send({ id, question });
      const { answer } = await child.heard(
        'an answer',
        (message) => ('answer' in message && message.id === id ? message : undefined),
        60_000,
      );
      return answer;
    },
  };
}
