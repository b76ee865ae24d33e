import {
  type ErrorMessage,
  type RequestMessage,
  type ResultMessage,
  type RpcError,
} from '../../wire/message.ts';
import { childFailed } from './child-failed.ts';
import type { ServerLink } from './server-link.ts';

/** The server's own answer to being made ready: that it does not speak the revision, for one. */
export class ChildRefusal extends Error {
  override readonly name = 'ChildRefusal';
  readonly error: RpcError;

  constructor(error: RpcError) {
    super('the server has refused to be made ready');
    this.error = error;
  }
}

/**
 * Makes a child ready with a client's own words, in the revisions up to 2025-11-25.
 *
 * @returns the text of its answer.
 * @throws {ChildRefusal} what it answers in place of one.
 * @throws {PosternError} ERR_POSTERN_EXPOSE_CHILD_FAILED when it ends, or does not answer in time.
 */
export async function initializeChild(
  link: ServerLink,
  message: RequestMessage,
  startMs: number,
): Promise<string> {
  const answered = await new Promise<{ message: ResultMessage | ErrorMessage; text: string }>(
    (resolve, reject) => {
      const call = link.call(message, {
        answer: (answer, text) => {
          clearTimeout(timer);
          if (link.ended)
            reject(childFailed(answer.kind === 'error' ? answer.error.message : 'the server has stopped'));
          else resolve({ message: answer, text });
        },
        event: () => undefined,
      });
      const timer = setTimeout(() => {
        call.abandon();
        reject(childFailed(`the server has not answered "initialize" within ${startMs} ms`));
      }, startMs);
    },
  );
  if (answered.message.kind === 'error') throw new ChildRefusal(answered.message.error);
  await link.hand('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  return answered.text;
}
