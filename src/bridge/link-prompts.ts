import type { AuthChallenge } from '../client/auth/authorization-required-error.ts';
import { within } from '../sync/within.ts';
import { withSignal } from '../sync/with-signal.ts';
import { withParams } from '../wire/eras/envelope.ts';
import { inputRequiredResult } from '../wire/eras/input-required.ts';
import { isObject, resultText, type Message, type MessageId, type RequestMessage } from '../wire/message.ts';
import type { Credentials } from './credentials.ts';

/** How long a call waits for a person whom its host has shown a link. Most hosts give a call up after a minute. */
const personMs = 45_000;
/** What marks a state as one of ours. */
const stateMark = 'postern:sign-in:';

interface Prompt {
  readonly signedIn: Promise<boolean>;
  readonly answered: (action: unknown) => void;
}

/** Shows a person the link to sign in by their host, where that can show links, and has the call wait for them. */
export class LinkPrompts {
  readonly #server: string;
  readonly #credentials: Credentials;
  readonly #toHost: (text: string) => Promise<unknown>;
  /** Those that are under way, by what is waited for: a person is shown a link once. */
  readonly #prompts = new Map<string, Prompt>();
  readonly #byId = new Map<MessageId, Prompt>();
  #count = 0;

  constructor(options: {
    server: string;
    credentials: Credentials;
    toHost: (text: string) => Promise<unknown>;
  }) {
    this.#server = options.server;
    this.#credentials = options.credentials;
    this.#toHost = options.toHost;
  }

  /** Shows a link by a question, to a host of 2025. Resolves to whether its person has signed in while the call could wait. */
  async ask(challenge: AuthChallenge, signal: AbortSignal): Promise<boolean> {
    const prompt = this.#prompts.get(challenge.pendingId) ?? this.#prompt(challenge);
    return withSignal(prompt.signedIn, signal);
  }

  /** Takes the answer to a question of ours. Returns whether it was one. */
  take(message: Exclude<Message, RequestMessage>): boolean {
    const prompt =
      message.kind === 'notification' || message.id === undefined ? undefined : this.#byId.get(message.id);
    if (prompt === undefined) return false;
    prompt.answered(
      message.kind === 'result' && isObject(message.result) ? message.result['action'] : 'cancel',
    );
    return true;
  }

  /** The result that has a host of 2026 show the link. */
  resultText(id: MessageId, challenge: AuthChallenge): string {
    const { url } = challenge;
    const params = { mode: 'url', message: this.#message(), url };
    const requests = [{ key: 'sign_in', method: 'elicitation/create', params }];
    const requestState = `${stateMark}${challenge.pendingId}`;
    return resultText(id, inputRequiredResult({ requests, requestState }));
  }

  /** A call that comes back with what was answered to {@link resultText}: as it was, once its person has had their time. */
  async resumed(message: RequestMessage, signal: AbortSignal): Promise<RequestMessage> {
    const state = message.params?.['requestState'];
    if (typeof state !== 'string' || !state.startsWith(stateMark)) return message;
    const { requestState: _state, inputResponses: given, ...params } = message.params ?? {};
    const { text: _text, ...rest } = message;
    const response = isObject(given) ? given['sign_in'] : undefined;
    if (isObject(response) && response['action'] === 'accept') {
      await this.#signedIn(state.slice(stateMark.length), signal);
    }
    return withParams({ ...rest, params }, {});
  }

  #prompt({ pendingId, url }: AuthChallenge): Prompt {
    const id = `postern:sign-in:${++this.#count}`;
    const { promise: action, resolve: answered } = Promise.withResolvers<unknown>();
    const prompt: Prompt = { answered, signedIn: this.#follow(pendingId, id, action) };
    this.#prompts.set(pendingId, prompt);
    this.#byId.set(id, prompt);
    const params = { mode: 'url', message: this.#message(), url, elicitationId: id };
    void this.#toHost(JSON.stringify({ jsonrpc: '2.0', id, method: 'elicitation/create', params }));
    return prompt;
  }

  async #follow(pendingId: string, id: string, action: Promise<unknown>): Promise<boolean> {
    const stop = new AbortController();
    try {
      const done = (async () => (await action) === 'accept' && this.#signedIn(pendingId, stop.signal))();
      const isDone = await within(done, personMs, () => new Error('late'));
      if (isDone) {
        const params = { elicitationId: id };
        await this.#toHost(
          JSON.stringify({ jsonrpc: '2.0', method: 'notifications/elicitation/complete', params }),
        );
      }
      return isDone;
    } catch {
      return false;
    } finally {
      stop.abort();
      this.#prompts.delete(pendingId);
      this.#byId.delete(id);
    }
  }

  /** Whether a sign-in ends well, while a call can wait for it. */
  async #signedIn(pendingId: string, signal: AbortSignal): Promise<boolean> {
    const ended = new AbortController();
    const both = AbortSignal.any([signal, ended.signal]);
    try {
      const end = (await this.#credentials.signIns()).untilEnd({ pendingId }, both);
      return (await within(end, personMs, () => new Error('late'))) === undefined;
    } catch {
      return false;
    } finally {
      ended.abort();
    }
  }

  #message(): string {
    return `Sign in to ${this.#server}`;
  }
}
