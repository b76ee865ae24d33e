import { within } from '../within.ts';
import type { Message, Wire } from './wire.ts';

const answerMs = 20_000;

/** One request, and all that came until its answer, as text. */
export interface Exchange {
  readonly about: string;
  /** The answer. */
  readonly answer: string;
  /** What the server said meanwhile: notifications, and requests of its own. */
  readonly meanwhile: readonly string[];
}

/** Asks a server, answers what it asks, and writes down what came. */
export class Conversation {
  readonly exchanges: Exchange[] = [];
  readonly #wire: Wire;
  #meanwhile: string[] = [];
  #waiting:
    | { readonly id: number | string; readonly answered: (text: string) => void; readonly ended: () => void }
    | undefined;

  constructor(wire: Wire) {
    this.#wire = wire;
    wire.onText = (text) => this.#hear(text);
    wire.onEnd = () => this.#waiting?.ended();
  }

  /** Sends a request, and resolves with its answer. @throws {Error} when none comes in time. */
  async ask(about: string, message: Message): Promise<Message> {
    this.#meanwhile = [];
    const answered = new Promise<string>((resolve, reject) => {
      const ended = (): void => reject(new Error(`the program ended before it answered ${about}`));
      this.#waiting = { id: message.id ?? '', answered: resolve, ended };
    });
    await this.#wire.send(message);
    const answer = await within(answerMs, `an answer to ${about}`, answered);
    this.exchanges.push({ about, answer, meanwhile: this.#meanwhile });
    return JSON.parse(answer) as Message;
  }

  async tell(message: Message): Promise<void> {
    await this.#wire.send(message);
  }

  #hear(text: string): void {
    const message = JSON.parse(text) as Message;
    const waiting = this.#waiting;
    if (message.method === undefined && waiting !== undefined && message.id === waiting.id) {
      this.#waiting = undefined;
      waiting.answered(text);
      return;
    }
    this.#meanwhile.push(text);
    if (message.method !== undefined && message.id !== undefined) void this.#wire.send(replyTo(message));
  }
}

/** What a client's person, model and files answer, always the same. */
function replyTo({ id, method }: Message): Message {
  const result = resultOf(method);
  const base = { jsonrpc: '2.0', ...(id !== undefined && { id }) } as const;
  return result === undefined
    ? { ...base, error: { code: -32_601, message: 'no such method' } }
    : { ...base, result };
}

/** The result of a request of the server's. */
export function resultOf(method: string | undefined): object | undefined {
  switch (method) {
    case 'ping':
      return {};
    case 'roots/list':
      return { roots: [{ uri: 'file:///ahoy', name: 'ahoy' }] };
    case 'sampling/createMessage':
      return {
        role: 'assistant',
        content: { type: 'text', text: 'ahoy' },
        model: 'm',
        stopReason: 'endTurn',
      };
    case 'elicitation/create':
      return { action: 'decline' };
    default:
      return undefined;
  }
}
