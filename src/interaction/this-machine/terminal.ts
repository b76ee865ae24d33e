import { createInterface } from 'node:readline';
import { findPosternError } from '../../core/postern-error.ts';

/** What a person at a terminal has to act on. */
export interface TerminalNotice {
  /** All of it, in one line. */
  readonly line: string;
  /** What another device can be shown, for its camera. */
  readonly scannable?: string | undefined;
  readonly expiresAtMs: number;
}

/** What the terminal may do for a sign-in. */
export interface TerminalHands {
  /** Resolves when there is nothing to wait for any more. */
  readonly ended: Promise<void>;
  /** Closes what is open in this process. Links stay resumable where the store outlives it. */
  readonly close: () => Promise<void>;
  /** For a person whose browser does not reach this machine. */
  readonly paste?:
    | { readonly address: () => Promise<string>; readonly take: (address: string) => Promise<void> }
    | undefined;
}

/** Shells report 128 and the number of the signal. */
const interruptedExitCode = 130;

/**
 * Shows a person at this terminal where to sign in: a line on stderr, and, where that is a terminal, how long they have.
 *
 * Ctrl-C closes what is open, unless the program has a handler of its own. Resolves when it is shown.
 */
export async function showAtTerminal(notice: TerminalNotice, hands: TerminalHands): Promise<void> {
  // Before the link: whoever has seen that may interrupt at once.
  const stop = [interruptible(hands.close)];
  printLine(notice.line);
  const { isTTY, columns } = process.stderr;
  if (notice.scannable !== undefined && isTTY) {
    const { drawCode } = await import('./draw-code.ts');
    const drawn = drawCode(notice.scannable, columns);
    if (drawn !== undefined) printLine(drawn);
  }
  if (isTTY) stop.push(countDown(notice.expiresAtMs));
  if (hands.paste !== undefined && process.stdin.isTTY) stop.push(await takePasted(hands.paste));
  void hands.ended.then(() => {
    for (const each of stop) each();
  });
}

/** Whether a person can be asked here, and can answer. */
export function hearsAtTerminal(): boolean {
  return isAtTerminal() && process.stdin.isTTY;
}

/**
 * Asks a person at this terminal whether to go on: Enter or `y` is yes. No, where nobody does in time.
 *
 * @param options `close`: what Ctrl-C closes, as in {@link showAtTerminal}. `timeoutMs`: how long they have.
 */
export async function confirmAtTerminal(
  question: string,
  { close, timeoutMs }: { readonly close: () => Promise<void>; readonly timeoutMs: number },
): Promise<boolean> {
  const stop = interruptible(close);
  printLine(`${question} [Y/n, ${Math.round(timeoutMs / 1_000)} s] `);
  const lines = createInterface({ input: process.stdin, terminal: false });
  try {
    return await new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs);
      const answer = (is: boolean): void => {
        clearTimeout(timer);
        resolve(is);
      };
      lines.once('line', (line) => answer(/^\s*(?:y(?:es)?)?\s*$/iu.test(line)));
      lines.once('close', () => answer(false));
    });
  } finally {
    stop();
    lines.close();
    process.stdin.unref();
  }
}

async function takePasted({ address, take }: NonNullable<TerminalHands['paste']>): Promise<() => void> {
  const there = await address().catch(() => undefined);
  if (there === undefined) return () => {};
  printLine(`No browser here? Open this one elsewhere, and paste the address that it ends at:\n${there}`);
  // Not a terminal's line editor: that would keep Ctrl-C for itself.
  const lines = createInterface({ input: process.stdin, terminal: false });
  lines.on('line', (line) => {
    if (line.trim() === '') return;
    take(line.trim()).catch((error: unknown) => {
      const hint = findPosternError(error)?.hint;
      printLine(
        `That did not work. ${hint ?? 'Paste the whole address of the page that your browser ends at.'}`,
      );
    });
  });
  return () => {
    lines.close();
    process.stdin.unref();
  };
}

function countDown(expiresAtMs: number): () => void {
  const show = (): void => {
    const left = Math.max(0, Math.ceil((expiresAtMs - Date.now()) / 1_000));
    const seconds = String(left % 60).padStart(2, '0');
    process.stderr.write(
      `\r\u001B[KWaiting for you, ${Math.floor(left / 60)}:${seconds} left (Ctrl-C to stop) `,
    );
  };
  show();
  const timer = setInterval(show, 1_000);
  timer.unref();
  return () => {
    clearInterval(timer);
    process.stderr.write('\r\u001B[K');
  };
}

function interruptible(close: () => Promise<void>): () => void {
  // A program that handles it knows better what is to be closed.
  if (process.listenerCount('SIGINT') > 0) return () => {};
  const onInterrupt = (): void => {
    if (process.stderr.isTTY) process.stderr.write('\n');
    const exit = (): never => process.exit(interruptedExitCode);
    close().then(exit, exit);
  };
  process.once('SIGINT', onInterrupt);
  return () => void process.off('SIGINT', onInterrupt);
}

/** Whether what is printed is seen by somebody. */
export function isAtTerminal(): boolean {
  return process.stderr.isTTY;
}

/** Above the countdown, where there is one. */
export function printLine(text: string): void {
  // The person must see it somewhere, and nobody has said where.
  // oxlint-disable-next-line no-console
  console.error(process.stderr.isTTY ? `\r\u001B[K${text}` : text);
}
