import { isPosternError, PosternError, type PosternErrorOptions } from '../core/postern-error.ts';
import type { PosternErrorCode } from '../core/error-codes.ts';
import { describeUrl } from './describe-url.ts';
import { readJsonBody } from './json-body.ts';
import type { OAuthHttp } from './oauth-http.ts';
import type { ErrorAnswer } from './error-answer.ts';
import { withServerWord } from './server-word.ts';

/** One place that was looked at in vain, and why. */
export interface MissedCandidate {
  readonly url: URL;
  readonly reason: string;
  readonly kind: 'absent' | 'failing' | 'unreachable' | 'invalid' | 'mismatch';
  readonly cause?: unknown;
  /** What the server said of it, for its operator's log. */
  readonly said?: ErrorAnswer | undefined;
}

/** One place that was looked at, and what came of it: to be told to whoever wants to know how something was found, or why not. */
export interface Look {
  readonly url: URL;
  /** `skipped`: its host had not answered before. */
  readonly outcome: 'found' | MissedCandidate['kind'] | 'skipped';
  /** Why it was of no use. */
  readonly reason?: string | undefined;
}

/** What a ladder of candidates led to. `value` is absent when none of them served. */
export interface LadderResult<T> {
  readonly value?: T;
  readonly missed: readonly MissedCandidate[];
}

/** Thrown by a reader for a document which is well formed but about something else. */
export class MismatchedDocument extends Error {
  override readonly name: string = 'MismatchedDocument';
}

/**
 * Tries candidates in order and reads the first document that `read` accepts.
 *
 * A refused, missing, broken or mismatched document leads on to the next candidate. A forbidden URL ends
 * the search with its error: it is hostile or a mistake, and neither is to be papered over.
 */
export async function climb<T>(
  candidates: readonly URL[],
  http: OAuthHttp,
  read: (document: Record<string, unknown>, from: URL) => T,
  onLook: (look: Look) => void = () => {},
): Promise<LadderResult<T>> {
  const missed: MissedCandidate[] = [];
  const silent = new Set<string>();
  const miss = (candidate: MissedCandidate): void => {
    missed.push(candidate);
    onLook({ url: candidate.url, outcome: candidate.kind, reason: candidate.reason });
  };
  for (const url of candidates) {
    // A host that did not answer once would cost its whole deadline again.
    if (silent.has(url.origin)) {
      onLook({ url, outcome: 'skipped' });
      continue;
    }
    try {
      const found = await tryCandidate(url, http, read);
      if ('value' in found) {
        onLook({ url, outcome: 'found' });
        return { value: found.value, missed };
      }
      miss(found);
    } catch (cause) {
      const missedFor = toMiss(url, cause);
      if (missedFor === undefined) throw cause;
      if (missedFor.kind === 'unreachable') silent.add(url.origin);
      miss(missedFor);
    }
  }
  return { missed };
}

async function tryCandidate<T>(
  url: URL,
  http: OAuthHttp,
  read: (document: Record<string, unknown>, from: URL) => T,
): Promise<{ readonly value: T } | MissedCandidate> {
  const response = await http.getDocument(url);
  const { status } = response;
  if (status !== 200) {
    const said = (await readJsonBody(response)).object;
    return { url, reason: `status ${status}`, kind: status < 500 ? 'absent' : 'failing', said };
  }
  const body = await readJsonBody(response);
  if (body.object !== undefined) return { value: read(body.object, url) };
  // Web applications answer every unknown path with their page; that is a missing document, not a broken one.
  const page = response.headers.get('content-type')?.includes('html') === true;
  return { url, reason: page ? 'a web page' : body.problem, kind: page ? 'absent' : 'invalid' };
}

function toMiss(url: URL, cause: unknown): MissedCandidate | undefined {
  if (cause instanceof MismatchedDocument) {
    return { url, reason: cause.message, kind: 'mismatch', cause };
  }
  if (!isPosternError(cause)) return undefined;
  switch (cause.code) {
    case 'ERR_POSTERN_OAUTH_UNREACHABLE':
      return { url, reason: 'no answer', kind: 'unreachable', cause };
    case 'ERR_POSTERN_OAUTH_METADATA_INVALID':
    case 'ERR_POSTERN_OAUTH_RESPONSE_INVALID':
    case 'ERR_POSTERN_NETWORK_LIMIT':
      return { url, reason: 'not usable', kind: 'invalid', cause };
    default:
      return undefined;
  }
}

/** The error for a ladder that led nowhere. It lists every candidate. */
export function ladderFailed(
  what: string,
  missed: readonly MissedCandidate[],
  codes: { readonly mismatch: PosternErrorCode; readonly hint?: string },
): PosternError {
  const all = (kind: MissedCandidate['kind']): boolean => missed.every((miss) => miss.kind === kind);
  const first = (kind: MissedCandidate['kind']): MissedCandidate | undefined =>
    missed.find((miss) => miss.kind === kind);
  const tried = missed.map(({ url, reason }) => `${describeUrl(url)} (${reason})`).join(', ');
  const message = `found no usable ${what}; tried ${tried === '' ? 'nothing' : tried}`;
  const { error, error_description: description } = missed.find((miss) => miss.said)?.said ?? {};
  const raise = (code: PosternErrorCode, options: PosternErrorOptions = {}): PosternError =>
    withServerWord(new PosternError(code, message, options), { error, description });
  if (missed.length > 0 && all('unreachable')) {
    return raise('ERR_POSTERN_OAUTH_UNREACHABLE', { cause: missed[0]?.cause });
  }
  if (first('mismatch') !== undefined) return raise(codes.mismatch, { hint: codes.hint });
  const invalid = first('invalid');
  if (invalid !== undefined && first('failing') === undefined && first('unreachable') === undefined) {
    return raise('ERR_POSTERN_OAUTH_METADATA_INVALID', { cause: invalid.cause });
  }
  return raise('ERR_POSTERN_OAUTH_DISCOVERY_FAILED', { cause: missed.find((miss) => miss.cause)?.cause });
}
