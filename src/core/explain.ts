import { errorCodes, type FixedBy, type PosternErrorCode } from './error-codes.ts';
import { escapeText } from './escape-text.ts';
import type { FailureEvidence } from './failure-evidence.ts';
import { nextBy, plainWords } from './plain-words.ts';
import { findPosternError } from './postern-error.ts';
import { describeTime } from './retry-after.ts';

/** Whom something is explained to. */
export type Audience = 'person' | 'model' | 'operator';

/** What an explanation is made from, of an error or of the JSON of one. */
interface Known {
  readonly code: PosternErrorCode;
  readonly message: string | undefined;
  readonly hint: string | undefined;
  readonly evidence: FailureEvidence;
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
 * What happened, who must act, and what to do next, in words for one audience. Pure, and total: it knows our errors, the
 * JSON of one, and of anything else says that nobody had foreseen it. What it says holds no secret; the link of an error
 * that is there to carry one is told to the person and the model.
 *
 * @example
 * catch (error) {
 *   await thread.reply(explain(error, { for: 'person' }));
 *   logger.error(explain(error, { for: 'operator' }));
 * }
 */
export function explain(error: unknown, { for: audience }: { readonly for: Audience }): string {
  const known = readError(error);
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

function toPerson({ code, evidence, link }: Known): string {
  const { happened } = plainWords[code];
  const parts = [
    happened,
    nextOf(code, evidence),
    ...(evidence.mayHaveRun === true
      ? ['It may have been done all the same: look before you repeat it.']
      : []),
    ...(link === undefined ? [] : [link]),
  ];
  return parts.join(' ');
}

function toModel({ code, evidence, link }: Known): string {
  const { happened } = plainWords[code];
  const { fixedBy, retry } = errorCodes[code];
  const said = `The call did not succeed. What to tell the user: “${happened} ${nextOf(code, evidence)}”`;
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
          : `You may repeat the call once, ${whenOf(evidence) ?? 'in a moment'}.`
        : 'Do not repeat the call before that has happened.';
  return `${said} ${who} ${next} ${noSecrets}`;
}

function toOperator({ code, message, hint, evidence }: Known): string {
  const { meaning, fixedBy, retry } = errorCodes[code];
  const parts = [
    `${code}: ${meaning}`,
    message === undefined ? '' : `Here: ${message}.`,
    hint ?? '',
    `To be put right by ${fixedBy === 'server' ? 'the other server' : `the ${fixedBy}`}; ${
      retry ? 'the same call may succeed later' : 'the same call would fail again'
    }.`,
    ...describeEvidence(evidence),
  ];
  return parts.filter((part) => part !== '').join(' ');
}

function describeEvidence({
  httpStatus,
  retryAtMs,
  mayHaveRun,
  supportedVersions,
  exit,
  stderr,
}: FailureEvidence): string[] {
  return [
    ...(httpStatus === undefined ? [] : [`It answered HTTP ${httpStatus}.`]),
    ...(retryAtMs === undefined ? [] : [`Nothing is tried again before ${describeTime(retryAtMs)}.`]),
    ...(mayHaveRun === undefined
      ? []
      : [mayHaveRun ? 'The call may have been carried out.' : 'The call was not carried out.']),
    ...(supportedVersions === undefined ? [] : [`It speaks ${supportedVersions.join(', ')}.`]),
    ...(exit === undefined ? [] : [`Its process ended with ${exit}.`]),
    ...(stderr === undefined ? [] : [`Its last words: ${stderr}`]),
  ];
}

function nextOf(code: PosternErrorCode, evidence: FailureEvidence): string {
  const { fixedBy, retry } = errorCodes[code];
  const when = retry && fixedBy === 'server' ? whenOf(evidence) : undefined;
  if (when !== undefined) return `Try again ${when}.`;
  return plainWords[code].next ?? nextBy[fixedBy][retry ? 'passing' : 'final'];
}

function whenOf({ retryAtMs }: FailureEvidence): string | undefined {
  return retryAtMs === undefined ? undefined : `after ${describeTime(retryAtMs)}`;
}

/** Of somebody else's error only its type: its text may quote anything. */
function describeUnknown(error: unknown): string {
  const name = error instanceof Error && /^\w{1,60}$/u.test(error.name) ? error.name : typeof error;
  return `An error that is none of ours (${name}). Its text is not repeated here, since it may quote a secret; look at the error itself.`;
}

function readError(error: unknown): Known | undefined {
  const own = findPosternError(error) ?? parseJson(error);
  if (typeof own !== 'object' || own === null) return undefined;
  const { code, message, hint, evidence, interaction } = own as Record<string, unknown>;
  if (typeof code !== 'string' || !Object.hasOwn(errorCodes, code)) return undefined;
  const known = code as PosternErrorCode;
  return {
    code: known,
    message: textOf(message)?.replace(/\.$/u, ''),
    hint: textOf(hint),
    evidence: readEvidence(evidence),
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
