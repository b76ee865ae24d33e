import { findPosternError, type PosternError } from '../core/postern-error.ts';

/** What an authorization server said of its refusal. For its operator's log alone: no message, hint or page repeats it. */
export interface ServerWord {
  readonly status?: number | undefined;
  /** Its error code, registered or its own. */
  readonly error?: string | undefined;
  readonly said?: string | undefined;
}

/** What a reply says, and what it must not be quoted with. */
export interface ServerReply {
  readonly status?: number | undefined;
  readonly error?: unknown;
  readonly description?: unknown;
  /** What was sent along, which a server may echo. */
  readonly secrets?: readonly (string | undefined)[] | undefined;
}

const maxRead = 2_000;
const maxSaid = 240;

/** A part of a word as languages write it. What is random mixes case and digits, and so is none. */
const part = String.raw`(?:\p{Lu}?\p{Ll}{0,19}|\p{Lu}{1,14})`;
const word = new RegExp(String.raw`^${part}(?:[-_'’:./]${part}){0,5}$`, 'u');
/** `AADSTS65004`, `403`: what a provider numbers its errors with. */
const number = /^(?:[A-Z]{2,10}\d{2,8}|\d{1,8})$/u;
const around = /^[("'“‘[<]+|[)"'”’\]>.,:;!?]+$/gu;

/** By the error, so that no console, no JSON and no chain of causes shows it. */
const words = new WeakMap<object, ServerWord>();

/** Remembers with an error what the server said. */
export function withServerWord<E extends PosternError>(error: E, reply: ServerReply): E {
  const { status, secrets } = reply;
  words.set(error, {
    status,
    error: quotable(reply.error, secrets, '_'),
    said: quotable(reply.description, secrets, ' '),
  });
  return error;
}

/** What a server said of an error, or of what caused it: fields for a log line. Empty when it said nothing. */
export function serverWordOf(error: unknown): ServerWord {
  const known = findPosternError(error);
  return (known && words.get(known)) ?? {};
}

/**
 * A text that a server sent, as far as it can be repeated: words, and numbers of errors. Whatever could be a token, a code,
 * an address or markup is left out, and shown by an ellipsis.
 */
function quotable(
  text: unknown,
  secrets: readonly (string | undefined)[] = [],
  separator: ' ' | '_',
): string | undefined {
  if (typeof text !== 'string' || text === '') return undefined;
  const kept: string[] = [];
  for (const raw of text.slice(0, maxRead).split(/\s+/u)) {
    const bare = raw.replaceAll(around, '');
    if (bare === '') continue;
    const isSafe =
      (word.test(bare) || number.test(bare)) && !secrets.some((secret) => overlaps(bare, secret));
    if (isSafe) kept.push(bare);
    else if (kept.at(-1) !== '…') kept.push('…');
  }
  const said = kept.join(separator);
  return said.length > maxSaid ? `${said.slice(0, maxSaid)}…` : said;
}

function overlaps(bare: string, secret: string | undefined): boolean {
  if (secret === undefined || secret.length < 4) return false;
  return bare.includes(secret) || (bare.length >= 4 && secret.includes(bare));
}
