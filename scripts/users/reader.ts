import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { countLines, isShown, readGuide, type Block } from './guide.ts';
import { Terminal } from './terminal.ts';
import { until } from './until.ts';

export interface ReaderOptions {
  readonly guide: string;
  /** Where they work: empty to begin with, or where another guide has been followed. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Follows a guide from its top: writes each program as it stands, types each command as it stands, and looks at the screen. */
export class Reader implements AsyncDisposable {
  /** Lines they had to write: neither blank nor a comment. */
  lines = 0;
  /** Commands they had to type. */
  commands = 0;
  readonly #options: ReaderOptions;
  readonly #blocks: readonly Block[];
  readonly #terminals: Terminal[] = [];
  readonly #prose: string;
  #at = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#blocks = readGuide(options.guide);
    this.#prose = readFileSync(options.guide, 'utf8');
  }

  openTerminal(): Terminal {
    const { folder, env } = this.#options;
    const terminal = new Terminal(folder, env);
    this.#terminals.push(terminal);
    return terminal;
  }

  /**
   * Types the next commands of the guide, with whatever its reader does meanwhile. @throws {Error} when one of them does not
   * end well, or the screen does not show what the guide says.
   */
  async types(terminal: Terminal, meanwhile?: () => Promise<void>): Promise<void> {
    const { lines, expected } = this.#next();
    const before = terminal.screen.length;
    const typing = async (): Promise<void> => {
      for (const line of lines) {
        const code = await terminal.type(line);
        if (code !== 0) throw new Error(`"${line}" has ended with ${code}\n${terminal.screen.slice(before)}`);
      }
    };
    await Promise.all([typing(), meanwhile?.()]);
    await this.#see(expected, terminal, before);
  }

  /** Writes the programs that come before the next commands, and types nothing. */
  writes(): void {
    for (let block = this.#blocks[this.#at]; block?.kind === 'program'; block = this.#blocks[++this.#at])
      this.#write(block);
  }

  /** Types the next commands, the last of which goes on, until the screen shows what the guide says. */
  async starts(terminal: Terminal): Promise<{ readonly ended: Promise<number> }> {
    const { lines, expected } = this.#next();
    const before = terminal.screen.length;
    for (const line of lines.slice(0, -1)) await terminal.type(line);
    const ended = terminal.type(lines.at(-1) ?? '');
    // Whoever waits for it is told.
    ended.catch(() => {});
    await this.#see(expected, terminal, before);
    return { ended };
  }

  /** @throws {Error} when the guide does not say that a person reads this, or they do not. */
  isTold(words: string, page: string): void {
    if (!this.#prose.includes(`“${words}`)) throw new Error(`${this.#options.guide} does not say “${words}”`);
    if (!page.includes(words)) throw new Error(`no “${words}” on the page\n${page}`);
  }

  /** Looks at what the guide shows next, as of now. */
  async sees(terminal: Terminal): Promise<void> {
    await this.#see(this.#output(), terminal, 0);
  }

  /** @throws {Error} when the guide goes on after what was played. */
  finish(): void {
    const left = this.#blocks.slice(this.#at).filter(({ kind }) => kind !== 'program');
    if (left.length > 0) throw new Error(`${this.#options.guide} goes on: ${JSON.stringify(left[0])}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#terminals.map((terminal) => terminal[Symbol.asyncDispose]()));
  }

  #next(): { lines: readonly string[]; expected: readonly string[] } {
    for (;;) {
      const block = this.#blocks[this.#at++];
      if (block === undefined) throw new Error(`${this.#options.guide} has no more commands`);
      if (block.kind === 'program') this.#write(block);
      if (block.kind !== 'commands') continue;
      this.commands += block.lines.length;
      return { lines: block.lines, expected: this.#output() };
    }
  }

  #write({ name, text }: Extract<Block, { kind: 'program' }>): void {
    writeFileSync(join(this.#options.folder, name), text);
    this.lines += countLines(text);
  }

  #output(): readonly string[] {
    const block = this.#blocks[this.#at];
    if (block?.kind !== 'output') return [];
    this.#at++;
    return block.lines;
  }

  async #see(expected: readonly string[], terminal: Terminal, from: number): Promise<void> {
    await until(`the screen shows\n${expected.join('\n')}\n`, terminal, () =>
      isShown(expected, terminal.screen.slice(from)) ? true : undefined,
    );
  }
}
