import {
  isObject,
  readMessageText,
  type ErrorMessage,
  type Message,
  type MessageId,
  type ResultMessage,
} from '../../wire/message.ts';
import { withMember } from '../../wire/members.ts';

/** What a request is answered with. */
export type Answer = ResultMessage | ErrorMessage;

/** The JSON of a message. */
export function textOf(message: Message): string {
  if (message.text !== undefined) return message.text;
  const { kind: _kind, text: _text, ...rest } = message;
  return JSON.stringify({ jsonrpc: '2.0', ...rest });
}

/** An answer of ours. */
export function answerOf(text: string): Answer {
  return readMessageText(text) as Answer;
}

/** An answer under the id that somebody waits for it by. */
export function withAnswerId<A extends Answer>(answer: A, id: MessageId): A {
  if (answer.id === id) return answer;
  const text = withMember(textOf(answer), [], 'id', JSON.stringify(id));
  const { text: _text, ...rest } = answer;
  return { ...rest, id, ...(text !== undefined && { text }) } as A;
}

/** The version that an answer to `initialize` names. */
export function versionIn(answer: Answer): string | undefined {
  if (answer.kind !== 'result' || !isObject(answer.result)) return undefined;
  const version = answer.result['protocolVersion'];
  return typeof version === 'string' && /^[\w.-]{1,32}$/u.test(version) ? version : undefined;
}
