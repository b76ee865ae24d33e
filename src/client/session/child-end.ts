import type { Transport } from '@modelcontextprotocol/client';
import { escapeText } from '../../core/escape-text.ts';
import type { FailureEvidence } from '../../core/failure-evidence.ts';

/** How much of what a process wrote is looked at, and how much of it is told. */
const keptBytes = 8_192;
const toldLength = 2_000;
/** A shorter piece of a configured value says nothing. */
const pieceLength = 8;

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
    const clean = withoutSecrets(text, this.#secrets);
    const tail = clean.length > toldLength ? `…${clean.slice(-toldLength)}` : clean;
    return escapeText(tail, toldLength * 2);
  }
}

interface ChildLike {
  once?(event: 'exit', ended: (code: number | null, signal: string | null) => void): unknown;
}

function spellingsOf(value: string): readonly string[] {
  // Nobody hides anything in one or two characters, and they are everywhere.
  if (value.length < 3) return [];
  const binary = String.fromCharCode(...new TextEncoder().encode(value));
  const base64 = btoa(binary).replace(/=+$/u, '');
  const base64url = base64.replaceAll('+', '-').replaceAll('/', '_');
  return [
    ...new Set([value, encodeURIComponent(value), base64, base64url, JSON.stringify(value).slice(1, -1)]),
  ];
}

/** A text in which whatever is a secret, or a piece of one, is blotted out. */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  const isSecret = new Uint8Array(text.length);
  for (const secret of secrets) {
    const size = Math.min(pieceLength, secret.length);
    for (let from = 0; from + size <= secret.length; from++) {
      const piece = secret.slice(from, from + size);
      for (let at = text.indexOf(piece); at !== -1; at = text.indexOf(piece, at + 1))
        isSecret.fill(1, at, at + size);
    }
  }
  let clean = '';
  for (let at = 0; at < text.length; at++) {
    if (isSecret[at] !== 1) clean += text[at];
    else if (isSecret[at - 1] !== 1) clean += '[configured]';
  }
  return clean;
}
