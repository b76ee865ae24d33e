import { timeLimit } from '../core/clock.ts';
import type { FetchLike } from '../http/fetch-like.ts';
import { PosternError } from '../core/postern-error.ts';
import { readMessageText, type Message } from '../wire/message.ts';
import { purposeHeader } from './recording.ts';

/** What a server answered to one request. */
export interface McpAnswer {
  readonly status: number;
  /** The answer without its body. */
  readonly response: Response;
  /** The message that answers, where there is one. */
  readonly message?: Extract<Message, { readonly kind: 'result' | 'error' }> | undefined;
  /** Why the body holds none. */
  readonly problem?: string | undefined;
  /** The beginning of the body. */
  readonly text: string;
}

export interface McpAsk {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** What it is for, in the report. */
  readonly purpose: string;
  readonly body?: Readonly<Record<string, unknown>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

interface McpExchangeOptions {
  readonly fetch: FetchLike;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

const maxBytes = 1_048_576;
/** As much of a body as is ever looked at by who wants to know what it is. */
const maxText = 4_096;
/** A stream that is open for what may come has said what it has to say by then. */
const streamMs = 1_500;

/**
 * Sends one request to an MCP server, and reads until its answer has come: a body of JSON, or the event that carries it.
 * Redirects are not followed. A stream without an answer is left after a moment, with what it has brought.
 *
 * @throws {PosternError} ERR_POSTERN_CLIENT_UNREACHABLE when there is no answer in time, or too large a one.
 */
export async function askServer(url: URL, ask: McpAsk, options: McpExchangeOptions): Promise<McpAnswer> {
  const { method, body, purpose } = ask;
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = AbortSignal.any([deadline, options.signal]);
  const ended = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  ended.catch(() => {});
  try {
    const response = await Promise.race([
      options.fetch(url.href, {
        method,
        redirect: 'manual',
        signal,
        headers: {
          accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
          ...(body && { 'content-type': 'application/json' }),
          ...ask.headers,
          [purposeHeader]: purpose,
        },
        ...(body && { body: JSON.stringify(body) }),
      }),
      ended,
    ]);
    return await readAnswer(response, body?.['id'], ended);
  } catch (cause) {
    options.signal.throwIfAborted();
    throw new PosternError(
      'ERR_POSTERN_CLIENT_UNREACHABLE',
      `${JSON.stringify(url.host)} gave no whole answer`,
      {
        cause,
      },
    );
  }
}

async function readAnswer(response: Response, id: unknown, ended: Promise<never>): Promise<McpAnswer> {
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  const silence = timeLimit(isStream && id === undefined ? streamMs : Infinity);
  try {
    while (reader !== undefined) {
      const part = await Promise.race([reader.read(), ended, silence.passed]);
      if (part?.done !== false) break;
      size += part.value.byteLength;
      if (size > maxBytes) throw new RangeError('too large');
      text += decoder.decode(part.value, { stream: true });
      if (isStream && (id === undefined ? /\n\r?\n/u.test(text) : answerIn(text, id) !== undefined)) break;
    }
  } finally {
    silence.cancel();
    // Not waited for: a peer that never ends its body does not end its cancellation either.
    void reader?.cancel().catch(() => {});
  }
  const bare = new Response(null, { status: response.status, headers: response.headers });
  const base = { status: response.status, response: bare, text: text.slice(0, maxText) };
  if (isStream) return { ...base, message: answerIn(text, id), problem: 'a stream without an answer' };
  const read = readMessageText(text);
  if (read.kind === 'result' || read.kind === 'error') return { ...base, message: read };
  return { ...base, problem: read.kind === 'refused' ? read.reason : 'a message that is no answer' };
}

/** The answer among the events of a stream, as far as it has come. */
function answerIn(text: string, id: unknown): McpAnswer['message'] {
  for (const event of text.split(/\r?\n\r?\n/u)) {
    const data = event
      .split(/\r?\n/u)
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice(5).replace(/^ /u, ''))
      .join('\n');
    if (data === '') continue;
    const message = readMessageText(data);
    if ((message.kind === 'result' || message.kind === 'error') && message.id === id) return message;
  }
  return undefined;
}
