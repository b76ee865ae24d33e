import { inspect, styleText } from 'node:util';
import { explain } from '../core/explain.ts';
import { findPosternError, PosternError } from '../core/postern-error.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';

/** The styles that are used; what they are for is said once, here. */
const styles = { strong: 'bold', quiet: 'dim', good: 'green', bad: 'red', doubtful: 'yellow' } as const;

type Style = keyof typeof styles;

/** What a command's answer is in JSON: one document on standard output. */
export type JsonAnswer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly exitCode: number; readonly error: JsonFailure };

/** An error in JSON: a `PosternError`'s own, or of any other the words of {@link explain}, and no code. */
export interface JsonFailure {
  readonly name: string;
  readonly code?: string;
  readonly message: string;
  readonly hint?: string;
  readonly actor?: string;
  readonly evidence?: unknown;
  /** What happened, and what to do about it. */
  readonly words: string;
}

/**
 * What a command says. Its answer goes to standard output, alone, so that it can be piped; everything else is talk, and goes
 * to standard error.
 *
 * Colours only where a terminal shows them, by the conventions of `NO_COLOR` and `FORCE_COLOR`.
 */
export class Output {
  readonly json: boolean;

  constructor(options: { readonly json?: boolean | undefined } = {}) {
    this.json = options.json ?? false;
    // Whoever reads may stop reading: `postern tools | head`.
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit();
    });
  }

  /** Whether a person looks at what is said. */
  get isTerminal(): boolean {
    return process.stderr.isTTY;
  }

  /** The answer: in JSON a document `{ "ok": true, "result": … }`, else a text, made only when it is wanted. */
  answer(result: unknown, text: () => string): void {
    if (this.json) return writeJson({ ok: true, result });
    const said = text();
    if (said !== '') process.stdout.write(said.endsWith('\n') ? said : `${said}\n`);
  }

  /** A line of talk. */
  say(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  /** Tells how far something is: in one line of a terminal, else a line for each change. */
  progress(what: string): { show(text: string): void; end(): void } {
    let last = '';
    const isTerminal = this.isTerminal;
    return {
      show: (text) => {
        if (text === last) return;
        last = text;
        process.stderr.write(isTerminal ? `\r\u001B[K${what}: ${text} ` : `${what}: ${text}\n`);
      },
      end: () => {
        if (isTerminal && last !== '') process.stderr.write('\r\u001B[K');
      },
    };
  }

  /** Says that a command failed, and for whoever reads JSON, answers so. Returns what to end with. */
  fail(error: unknown, { debug = false }: { readonly debug?: boolean | undefined } = {}): number {
    if (debug) this.say(framesOf(error));
    const exitCode = exitCodeOf(error);
    if (this.json) writeJson({ ok: false, exitCode, error: jsonFailure(error) });
    else this.say(describeFailure(error, (style, text) => this.#styled(process.stderr, style, text)));
    return exitCode;
  }

  /** For whoever reads JSON: that an argument or an option is wrong. */
  answerMisuse(message: string): void {
    const error = { name: 'UsageError', message, words: message };
    writeJson({ ok: false, exitCode: exitCodes.usage, error });
  }

  /** A text of the answer in a style. */
  styled(style: Style, text: string): string {
    return this.#styled(process.stdout, style, text);
  }

  /** A text of the talk in a style. */
  styledTalk(style: Style, text: string): string {
    return this.#styled(process.stderr, style, text);
  }

  #styled(stream: NodeJS.WriteStream, style: Style, text: string): string {
    return styleText(styles[style], text, { stream });
  }
}

function writeJson(document: JsonAnswer): void {
  process.stdout.write(`${JSON.stringify(document, undefined, process.stdout.isTTY ? 2 : undefined)}\n`);
}

function jsonFailure(error: unknown): JsonFailure {
  const own = findPosternError(error);
  const [happened, rest] = failureWords(error);
  const words = `${happened} ${rest ?? ''}`.trim();
  return own === undefined ? { name: 'Error', message: words, words } : { ...own.toJSON(), words };
}

function describeFailure(error: unknown, styled: (style: Style, text: string) => string): string {
  const [happened, rest] = failureWords(error);
  const code = findPosternError(error)?.code;
  const below = [rest, code === undefined ? undefined : `(${code})`].filter((part) => part !== undefined);
  return [styled('bad', happened), ...(below.length === 0 ? [] : [below.join(' ')])].join('\n');
}

/** What happened, and what to do about it. */
function failureWords(error: unknown): readonly [string, string | undefined] {
  const words = explain(error, { for: 'person' });
  const own = findPosternError(error);
  if (own === undefined) return [words, 'With --debug it says where that came from.'];
  const { message, hint } = own;
  if (isTheirs(own)) return [sentence(message), hint];
  return [words, `${sentence(message)}${hint === undefined ? '' : ` ${hint}`}`];
}

/**
 * Whether whoever has typed the command can put it right as it is told to who set it up, since they did: nobody else runs
 * this. So with a sign-in that nothing here has a link for.
 */
function isTheirs({ code, facts, ...error }: PosternError): boolean {
  if (code === 'ERR_POSTERN_AUTH_REQUIRED') return !('interaction' in error);
  return facts.fixedBy === 'developer' || facts.fixedBy === 'operator';
}

/** Where it comes from; of what others have thrown no text, which may quote anything. */
function framesOf(error: unknown): string {
  const own = findPosternError(error);
  return inspect(
    own ?? new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', 'not foreseen', { cause: error }),
  );
}

function sentence(text: string): string {
  const [first = '', ...rest] = text;
  return `${first.toUpperCase()}${rest.join('')}${/[.!?]$/u.test(text) ? '' : '.'}`;
}
