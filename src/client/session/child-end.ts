import type { Transport } from '@modelcontextprotocol/client';
import { blottedOut, spellingsOf } from '../../core/blot-out.ts';
import { escapeText } from '../../core/escape-text.ts';
import type { FailureEvidence } from '../../core/failure-evidence.ts';

/** How much of what a process wrote is looked at, and how much of it is told. */
const keptBytes = 8_192;
const toldLength = 2_000;

/** What of a child process outlives it: how it ended, and the last that it wrote to stderr. */
export class ChildEnd {
  readonly #secrets: readonly string[];
  #written: Uint8Array[] = [];
  #length = 0;
  #exit: number | string | undefined;

  /** @param env what was configured for the process: it stays out of what is told, also in part, and as it is often encoded. */
  constructor(env: Readonly<Record<string, string>> = {}) {
    this.#secrets = Object.values(env).flatMap(spellingsOf);
  }

  /** Watches a transport that has not been started. */
  watch(transport: Transport): void {
    (
      transport as { stderr?: { on(event: 'data', see: (chunk: Uint8Array) => void): unknown } | null }
    ).stderr?.on('data', (chunk) => this.#keep(chunk));
    const start = transport.start.bind(transport);
    transport.start = async () => {
      await start();
      // The SDK shows how its process ended nowhere. Without that, what it wrote has to do.
      const child = (transport as { _process?: unknown })._process as ChildLike | undefined;
      child?.once?.('exit', (code, signal) => (this.#exit = code ?? signal ?? undefined));
    };
  }

  /** `undefined` while there is nothing to tell. */
  get evidence(): FailureEvidence | undefined {
    const stderr = this.#told();
    if (this.#exit === undefined && stderr === '') return undefined;
    return { exit: this.#exit, ...(stderr !== '' && { stderr }) };
  }

  #keep(chunk: Uint8Array): void {
    this.#written.push(chunk);
    this.#length += chunk.length;
    for (
      let first = this.#written[0];
      first && this.#length - first.length >= keptBytes;
      first = this.#written[0]
    ) {
      this.#written.shift();
      this.#length -= first.length;
    }
  }

  #told(): string {
    const bytes = new Uint8Array(this.#length);
    let at = 0;
    for (const chunk of this.#written) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    const text = new TextDecoder().decode(bytes.subarray(Math.max(0, bytes.length - keptBytes))).trimEnd();
    const clean = blottedOut(text, this.#secrets);
    const tail = clean.length > toldLength ? `…${clean.slice(-toldLength)}` : clean;
    return escapeText(tail, toldLength * 2);
  }
}

interface ChildLike {
  once?(event: 'exit', ended: (code: number | null, signal: string | null) => void): unknown;
}
