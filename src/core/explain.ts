import { systemClock } from './clock.ts';
import { errorCodes, type FixedBy, type PosternErrorCode } from './error-codes.ts';
import { escapeText } from './escape-text.ts';
import type { FailureEvidence } from './failure-evidence.ts';
import { declinedJustNow, nextBy, plainWords } from './plain-words.ts';
import { findPosternError } from './postern-error.ts';
import { describeTime, describeWait } from './retry-after.ts';

/** Whom something is explained to. */
export type Audience = 'person' | 'model' | 'operator';

/** What an explanation is made from, of an error or of the JSON of one. */
interface Known {
  readonly code: PosternErrorCode;
  readonly message: string | undefined;
  readonly hint: string | undefined;
  readonly evidence: FailureEvidence;
  /** How long nothing is tried again, or nobody asked, in words; left out once that is over. */
  readonly wait: string | undefined;
  /** The link, of an error that is meant to carry one. */
  readonly link: string | undefined;
}

/** The errors that are there to carry a link. */
const linkCodes: ReadonlySet<PosternErrorCode> = new Set([
  'ERR_POSTERN_AUTH_REQUIRED',
  'ERR_POSTERN_OOB_INTERACTION_REQUIRED',
]);

const actors: Readonly<Record<FixedBy, string>> = {
  person: 'the user',
  developer: 'whoever made this application',
  operator: 'whoever runs this application',
  server: 'whoever runs the other service',
};

/** To a model, whatever the error: what somebody types there is kept, and read by others. */
const noSecrets = 'Secrets never belong in this conversation.';

/**
 * What happened, who must act, and what to do next, in words for one audience. Total: it knows our errors, the JSON of one,
 * and of anything else says that nobody had foreseen it. What it says holds no secret; the link of an error that is there to
 * carry one is told to the person and the model. Where there is something to wait for, it says for how long.
 *
 * @param options `nowMs`: as of when it is told, in milliseconds since the epoch. Default: now.
 * @example
 * catch (error) {
 *   await thread.reply(explain(error, { for: 'person' }));
 *   logger.error(explain(error, { for: 'operator' }));
 * }
 */
export function explain(
  error: unknown,
  { for: audience, nowMs = systemClock() }: { readonly for: Audience; readonly nowMs?: number | undefined },
): string {
  const known = readError(error, nowMs);
  switch (audience) {
    case 'person':
      return known === undefined ? unforeseen : toPerson(known);
    case 'model':
      return known === undefined
        ? `The call failed in a way that was not foreseen. Tell the user so, and do not repeat the call more than once. ${noSecrets}`
        : toModel(known);
    case 'operator':
      return known === undefined ? describeUnknown(error) : toOperator(known);
  }
}

const unforeseen =
  'Something went wrong that was not foreseen. Try again. If it happens again, tell whoever runs this application.';

function toPerson(known: Known): string {
  const { evidence, link } = known;
  const parts = [
    happenedOf(known),
    nextOf(known),
    ...(evidence.mayHaveRun === true
      ? ['It may have been done all the same: look before you repeat it.']
      : []),
    ...(link === undefined ? [] : [link]),
  ];
  return parts.join(' ');
}

function toModel(known: Known): string {
  const { code, evidence, wait, link } = known;
  const { fixedBy, retry } = errorCodes[code];
  const said = `The call did not succeed. What to tell the user: “${happenedOf(known)} ${nextOf(known)}”`;
  const who = `Who must act: ${actors[fixedBy]}.`;
  if (link !== undefined) {
    return `${said} ${who} Give the user this link as it is, and repeat the call when they say that they are done: ${link} ${noSecrets}`;
  }
  const next =
    evidence.mayHaveRun === true
      ? 'Whether the call was carried out is not known: find out before you repeat it.'
      : retry
        ? fixedBy === 'person'
          ? 'Repeat the call when they have done so.'
          : `You may repeat the call once, ${wait ?? 'in a moment'}.`
        : isCooling(known)
          ? `Do not press them: go on without it, and repeat the call only if they want it after all, ${wait}.`
          : 'Do not repeat the call before that has happened.';
  return `${said} ${who} ${next} ${noSecrets}`;
}

function toOperator({ code, message, hint, evidence, wait }: Known): string {
  const { meaning, fixedBy, retry } = errorCodes[code];
  const parts = [
    `${code}: ${meaning}`,
    message === undefined ? '' : `Here: ${message}.`,
    hint ?? '',
    `To be put right by ${fixedBy === 'server' ? 'the other server' : `the ${fixedBy}`}; ${
      retry ? 'the same call may succeed later' : 'the same call would fail again'
    }.`,
    ...describeEvidence(evidence, { hint, wait }),
  ];
  return parts.filter((part) => part !== '').join(' ');
}

function describeEvidence(
  { httpStatus, retryAtMs, mayHaveRun, supportedVersions, exit, stderr }: FailureEvidence,
  told: Pick<Known, 'hint' | 'wait'>,
): string[] {
  return [
    ...(httpStatus === undefined ? [] : [`It answered HTTP ${httpStatus}.`]),
    ...(retryAtMs === undefined ? [] : [describeRetry(describeTime(retryAtMs), told)]),
    ...(mayHaveRun === undefined
      ? []
      : [mayHaveRun ? 'The call may have been carried out.' : 'The call was not carried out.']),
    ...(supportedVersions === undefined ? [] : [`It speaks ${supportedVersions.join(', ')}.`]),
    ...(exit === undefined ? [] : [`Its process ended with ${exit}.`]),
    ...(stderr === undefined ? [] : [`Its last words: ${stderr}`]),
  ];
}

/** When something is tried again. A hint may have said the time, but not how far off that is. */
function describeRetry(time: string, { hint, wait }: Pick<Known, 'hint' | 'wait'>): string {
  const before = hint?.includes(time) === true ? '' : `Nothing is tried again before ${time}. `;
  return `${before}${wait === undefined ? 'That time has come.' : `That is ${wait}.`}`;
}

function happenedOf(known: Known): string {
  return isCooling(known) ? declinedJustNow : plainWords[known.code].happened;
}

function nextOf(known: Known): string {
  const { code, wait } = known;
  const { fixedBy, retry } = errorCodes[code];
  if (isCooling(known)) return `If you want it after all, ask for it again ${wait}.`;
  if (retry && fixedBy === 'server' && wait !== undefined) return `Try again ${wait}.`;
  return plainWords[code].next ?? nextBy[fixedBy][retry ? 'passing' : 'final'];
}

/** Whether somebody declined, and is not asked again yet. */
function isCooling({ code, wait }: Known): boolean {
  return code === 'ERR_POSTERN_AUTH_DENIED' && wait !== undefined;
}

/** Of somebody else's error only its type: its text may quote anything. */
function describeUnknown(error: unknown): string {
  const name = error instanceof Error && /^\w{1,60}$/u.test(error.name) ? error.name : typeof error;
  return `An error that is none of ours (${name}). Its text is not repeated here, since it may quote a secret; look at the error itself.`;
}

function readError(error: unknown, nowMs: number): Known | undefined {
  const own = findPosternError(error) ?? parseJson(error);
  if (typeof own !== 'object' || own === null) return undefined;
  const { code, message, hint, evidence, interaction } = own as Record<string, unknown>;
  if (typeof code !== 'string' || !Object.hasOwn(errorCodes, code)) return undefined;
  const known = code as PosternErrorCode;
  const seen = readEvidence(evidence);
  return {
    code: known,
    message: textOf(message)?.replace(/\.$/u, ''),
    hint: textOf(hint),
    evidence: seen,
    wait: describeWait(seen.retryAtMs, nowMs),
    link: linkCodes.has(known) ? linkOf(interaction) : undefined,
  };
}

function parseJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? escapeText(value, 1_000) : undefined;
}

function linkOf(interaction: unknown): string | undefined {
  const url = (interaction as { url?: unknown } | undefined)?.url;
  return typeof url === 'string' && /^https?:\/\/[!-~]{1,2000}$/u.test(url) ? url : undefined;
}

function readEvidence(value: unknown): FailureEvidence {
  if (typeof value !== 'object' || value === null) return {};
  const { httpStatus, retryAtMs, mayHaveRun, supportedVersions, exit, stderr } = value as Record<
    string,
    unknown
  >;
  return {
    httpStatus: typeof httpStatus === 'number' ? httpStatus : undefined,
    // What is no date cannot be told as one.
    retryAtMs: typeof retryAtMs === 'number' && Math.abs(retryAtMs) <= 8.64e15 ? retryAtMs : undefined,
    mayHaveRun: typeof mayHaveRun === 'boolean' ? mayHaveRun : undefined,
    supportedVersions: Array.isArray(supportedVersions)
      ? supportedVersions.flatMap((version) => textOf(version) ?? []).slice(0, 20)
      : undefined,
    exit: typeof exit === 'number' ? exit : textOf(exit),
    stderr: typeof stderr === 'string' ? escapeText(stderr, 3_000) : undefined,
  };
}
