import { styleText } from 'node:util';
import { explain } from '../core/explain.ts';
import { findPosternError } from '../core/postern-error.ts';
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
  /** The error in words for a person. */
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

  /** Says that a command failed, and for whoever reads JSON, answers so. Returns what to end with. */
  fail(error: unknown): number {
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
  const words = explain(error, { for: 'person' });
  const own = findPosternError(error);
  return own === undefined ? { name: 'Error', message: words, words } : { ...own.toJSON(), words };
}

/** What happened in a person's words, and what whoever puts it right needs to know. */
function describeFailure(error: unknown, styled: (style: Style, text: string) => string): string {
  const own = findPosternError(error);
  if (own === undefined) {
    const words = explain(error, { for: 'person' });
    return `${styled('bad', words)}\n${styled('quiet', explain(error, { for: 'operator' }))}`;
  }
  // Whoever types a command has set it up, too: they are told what is wrong with it, and not to tell somebody.
  const { code, message, hint, facts } = own;
  const isTheirs = facts.fixedBy === 'developer' || facts.fixedBy === 'operator';
  const detail = `${sentence(message)}${hint === undefined ? '' : ` ${hint}`}`;
  const [first, second] = isTheirs ? [sentence(message), hint] : [explain(own, { for: 'person' }), detail];
  const below = second === undefined ? `(${code})` : `${second} (${code})`;
  return `${styled('bad', first)}\n${isTheirs ? below : styled('quiet', below)}`;
}

function sentence(text: string): string {
  const [first = '', ...rest] = text;
  return `${first.toUpperCase()}${rest.join('')}${/[.!?]$/u.test(text) ? '' : '.'}`;
}
