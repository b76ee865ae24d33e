/** One line of a conversation. */
export interface Message {
  readonly from: 'you' | 'planner';
  readonly text: string;
  /** Where its person goes, for them alone. */
  readonly link?: string | undefined;
}

/** What was said to each person, and who watches. In memory; an application with several processes keeps it in its database. */
export class Conversations {
  readonly #messages = new Map<string, Message[]>();
  readonly #watchers = new Map<string, Set<(message: Message) => void>>();
  readonly #said = new Set<string>();

  of(person: string): readonly Message[] {
    return this.#messages.get(person) ?? [];
  }

  /** @param key the same for what may be said more than once: it is said once. */
  say(person: string, message: Message, key?: string): void {
    if (key !== undefined && this.#said.has(key)) return;
    if (key !== undefined) this.#said.add(key);
    this.#messages.set(person, [...this.of(person), message]);
    for (const watch of this.#watchers.get(person) ?? []) watch(message);
  }

  /** Every message so far and from now on, as server-sent events, until the browser leaves. */
  stream(person: string, signal: AbortSignal): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    const watchers = this.#watchers.get(person) ?? new Set();
    this.#watchers.set(person, watchers);
    return new ReadableStream({
      start: (controller) => {
        const send = (message: Message): void =>
          controller.enqueue(encoder.encode(`data: ${JSON.stringify(message)}\n\n`));
        for (const message of this.of(person)) send(message);
        watchers.add(send);
        signal.addEventListener('abort', () => {
          watchers.delete(send);
          controller.close();
        });
      },
    });
  }
}
