import { findAuthorizationRequired } from '../client/auth/authorization-required-error.ts';
import { sleep, timeLimit } from '../core/clock.ts';
import { failureFields } from '../core/failure-fields.ts';
import { findPosternError, PosternError } from '../core/postern-error.ts';
import { withSignal } from '../sync/with-signal.ts';
import {
  rpcCodes,
  type Message,
  type MessageId,
  type NotificationMessage,
  type RequestMessage,
} from '../wire/message.ts';
import { failureText, keptText, linkText, loginText, loginToolName, resultIn, saidText } from './answers.ts';
import { legacyVersion } from '../wire/eras/envelope.ts';
import { Catalogue, listMethods } from './catalogue.ts';
import type { Credentials } from './credentials.ts';
import { EarlyAnswers } from './early-answers.ts';
import { greetingOf, impliedGreeting, type Greeting } from './greeting.ts';
import type { Answerer } from './host.ts';
import { isIgnored, withoutIgnored } from './ignored-tools.ts';
import { LinkPrompts } from './link-prompts.ts';
import type { BridgedServerConfig, BridgeSettings } from './options.ts';
import type { OpenedRemote } from './remote/opened-remote.ts';
import { textOf, withAnswerId, type Answer } from './remote/answer.ts';
import { abilitiesIn, linksOfError, linksText } from './remote/asked-links.ts';
import { ServerConnection, tooLate } from './server-connection.ts';

export interface BridgedServerOptions {
  readonly name: string;
  readonly config: BridgedServerConfig;
  readonly credentials: Credentials;
  /** The network. */
  readonly fetch: typeof globalThis.fetch;
  readonly settings: BridgeSettings;
  /** Takes what the server says by itself. A promise is settled when more can be taken. */
  readonly toHost: (text: string) => Promise<unknown>;
}

const preparing: RequestMessage = {
  kind: 'request',
  id: 'postern:initialize',
  method: 'initialize',
  params: { protocolVersion: legacyVersion, capabilities: {}, clientInfo: { name: 'postern', version: '0' } },
};
/** More questions of a server are not remembered. */
const maxAsked = 1_024;
/** How long a server is left alone before a stream of notifications is opened anew. */
const reopenMs = 2_000;

/**
 * One remote server as a host on stdio sees it: there at once, by what was known of it last, and connected as soon as it
 * answers and its person has signed in.
 */
export class BridgedServer implements Answerer {
  readonly name: string;
  readonly #options: BridgedServerOptions;
  readonly #catalogue: Catalogue;
  readonly #connection: ServerConnection;
  readonly #early: EarlyAnswers;
  readonly #prompts: LinkPrompts;
  /** By whom the host was answered when it greeted; of what stands behind that, nothing may be known yet. */
  #greetedBy: 'server' | 'catalogue' | 'bridge' | undefined;
  #initialized: NotificationMessage | undefined;
  /** Questions of the server that the host has not answered. */
  readonly #asked = new Set<MessageId>();

  constructor(options: BridgedServerOptions) {
    const { name, config, credentials, settings } = options;
    this.name = name;
    this.#options = options;
    this.#early = new EarlyAnswers(name, options.toHost);
    this.#prompts = new LinkPrompts({ server: name, credentials, toHost: options.toHost });
    this.#catalogue = new Catalogue({
      storage: () => credentials.storage(),
      namespace: credentials.namespace,
      url: config.url,
      alias: name,
      logger: settings.logger,
    });
    this.#connection = new ServerConnection({
      ...options,
      onMessage: (message) => this.#pass(message),
      onOpen: (opened, greeting) => this.#opened(opened, greeting),
    });
  }

  /** Connects before there is a host, for a person who has started a bridge by hand. Never rejects. */
  async prepare(): Promise<void> {
    const greeting = greetingOf(preparing);
    if (greeting === undefined) return;
    this.#greetedBy = 'bridge';
    await this.#connection.greet(greeting);
    try {
      await this.#connection.open();
    } catch (error) {
      const challenge = findAuthorizationRequired(error)?.challenge;
      // What else there is to say, has been said where it failed.
      if (challenge !== undefined)
        await this.#options.credentials.show(challenge, { isAsked: true }).catch(() => {});
    }
  }

  async answer(message: RequestMessage, signal: AbortSignal): Promise<string> {
    const { id, method } = message;
    try {
      const greeting = greetingOf(message);
      if (greeting !== undefined) return await this.#greet(greeting, signal);
      await this.#greetAnyway(message);
      const isEarly = this.#connection.live === undefined;
      if (method === 'subscriptions/listen') return await this.#listen(message, signal);
      if (method === 'ping' && isEarly) return keptText(id, '{}');
      if (this.#isIgnored(message)) throw ignored();
      if (this.#isLogin(message)) return await this.#logIn(message, signal);
      if (isEarly && listMethods.has(method)) return await this.#listEarly(message, signal);
      return await this.#ask(await this.#prompts.resumed(message, signal), signal);
    } catch (error) {
      if (signal.aborted) throw error;
      return this.#failed(message, error, signal);
    }
  }

  async tell(message: Exclude<Message, RequestMessage>): Promise<void> {
    const { logger } = this.#options.settings;
    const { live } = this.#connection;
    try {
      if (message.kind !== 'notification') {
        if (this.#prompts.take(message)) return;
        if (message.id !== undefined && this.#asked.delete(message.id)) await live?.remote.notify(message);
        else logger.debug('an answer that nobody waits for was dropped', { server: this.name });
        return;
      }
      if (message.method !== 'notifications/initialized') return await live?.remote.notify(message);
      this.#initialized = message;
      if (this.#greetedBy === 'server') await live?.begin(message);
    } catch (error) {
      logger.warn('a server was not told', { server: this.name, ...failureFields(error) });
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#connection.close(), this.#catalogue.settle()]);
  }

  async #greet(greeting: Greeting, signal: AbortSignal): Promise<string> {
    const { id } = greeting.message;
    await this.#connection.greet(greeting);
    const said = this.#connection.live?.greeting;
    const known =
      said === undefined ? await this.#catalogue.greeting(greeting.question) : resultIn(textOf(said));
    if (known !== undefined) {
      this.#greetedBy ??= 'catalogue';
      // Behind the answer, which what a connection loads would delay.
      setImmediate(() => void this.#connection.open().catch(() => {}));
      return keptText(id, known);
    }
    const opening = this.#connection.open();
    opening.catch(() => {});
    const limit = timeLimit(this.#options.settings.firstAnswerMs);
    try {
      const opened = await withSignal(Promise.race([opening, limit.passed]), signal);
      if (opened !== undefined) {
        this.#greetedBy = 'server';
        return textOf(opened.greeting);
      }
    } catch (error) {
      if (signal.aborted) throw error;
      const challenge = findAuthorizationRequired(error)?.challenge;
      // Nothing can be done with it but to sign in.
      const { credentials, settings } = this.#options;
      if (challenge !== undefined && settings.opensAtStart)
        void credentials.show(challenge, { isAsked: false }).catch(() => {});
    } finally {
      limit.cancel();
    }
    this.#greetedBy = 'bridge';
    return keptText(id, JSON.stringify(greeting.minimal(this.name)));
  }

  /** A host of the modern era need not greet: each of its requests says what it would have said. */
  async #greetAnyway(message: RequestMessage): Promise<void> {
    if (this.#connection.greeting !== undefined) return;
    const implied = impliedGreeting(message);
    if (implied === undefined) return;
    this.#greetedBy = 'server';
    await this.#connection.greet(implied);
  }

  /** A list before there is a connection: as it was last, or what stands for it. */
  async #listEarly(message: RequestMessage, signal: AbortSignal): Promise<string> {
    const { id, method, params } = message;
    const known = params?.['cursor'] === undefined ? await this.#catalogue.list(method) : undefined;
    if (known !== undefined && this.#connection.live === undefined) {
      const text = keptText(id, known);
      const { ignoreTools } = this.#options.config;
      const shown = method === 'tools/list' ? withoutIgnored(text, JSON.parse(known), ignoreTools) : text;
      this.#early.gave(method, shown === text ? known : (resultIn(shown) ?? ''));
      return shown;
    }
    try {
      return await this.#ask(message, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      this.#early.refused(method);
      if (findAuthorizationRequired(error) === undefined) throw error;
      return keptText(id, this.#early.standIn(method, this.#connection.greeting?.extra));
    }
  }

  /** Holds a stream of notifications open, which may begin before there is a connection. */
  async #listen(message: RequestMessage, signal: AbortSignal): Promise<string> {
    const { id, params } = message;
    if (this.#connection.live === undefined) {
      await this.#early.open(id, params?.['notifications']);
      this.#connection.open().catch(() => {});
    }
    try {
      for (;;) {
        const { remote } = this.#connection.live ?? (await withSignal(this.#connection.became, signal));
        try {
          return textOf(await remote.request(message, { signal }));
        } catch (error) {
          if (signal.aborted || findPosternError(error)?.facts.retry !== true) throw error;
        }
        // What is silent for long is cut by somebody in between. The host has its stream all the same.
        this.#early.reopen(id);
        await sleep(reopenMs, { signal, keepAlive: false });
        signal.throwIfAborted();
      }
    } finally {
      this.#early.close(id);
    }
  }

  async #ask(message: RequestMessage, signal: AbortSignal): Promise<string> {
    const { remote, greeting } = await withSignal(this.#connection.open(), signal);
    if (greeting.kind === 'error') return textOf(withAnswerId(greeting, message.id));
    const { timeoutMs } = this.#options.settings;
    // One for both the host and the deadline: what `AbortSignal.any` costs is seen in every call.
    const stop = new AbortController();
    const leave = (): void => stop.abort(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    const timer = setTimeout(() => stop.abort(tooLate(this.name, timeoutMs, message.method)), timeoutMs);
    try {
      const answer = await remote.request(message, { signal: stop.signal });
      return this.#inWords(message, answer) ?? this.#kept(message, answer);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
    }
  }

  /** An error that says that its person has to go to a page, for a host of 2025 that shows none. */
  #inWords({ id, method }: RequestMessage, answer: Answer): string | undefined {
    const { greeting } = this.#connection;
    if (greeting?.era !== 'legacy') return undefined;
    if (answer.kind !== 'error' || answer.error.code !== rpcCodes.urlElicitationRequired) return undefined;
    if (abilitiesIn(greeting.capabilitiesOf(greeting.message)).url) return undefined;
    const links = linksOfError(answer.error.data);
    return links.length === 0 ? undefined : linksText(id, this.name, links, method);
  }

  /** An answer as the host gets it. What a later start can use is kept. */
  #kept({ method, params }: RequestMessage, answer: Answer): string {
    const text = textOf(answer);
    if (answer.kind !== 'result' || !listMethods.has(method)) return text;
    const { ignoreTools } = this.#options.config;
    const shown = method === 'tools/list' ? withoutIgnored(text, answer.result, ignoreTools) : text;
    const isWhole = (answer.result as { nextCursor?: unknown } | null)?.nextCursor === undefined;
    const list = params?.['cursor'] === undefined && isWhole ? resultIn(shown) : undefined;
    if (list !== undefined) void this.#catalogue.keepList(method, list);
    return shown;
  }

  #opened(opened: OpenedRemote, { question }: Greeting): void {
    const result = resultIn(textOf(opened.greeting));
    if (result !== undefined) void this.#catalogue.keepGreeting(question, result);
    // Whoever waits for the greeting has been told nothing else yet.
    if (this.#greetedBy === undefined) return;
    void this.#catchUp(opened).catch((error: unknown) => {
      // The host is gone, and nobody wants to know any more.
      if (findPosternError(error)?.code === 'ERR_POSTERN_CLIENT_CLOSED') return;
      const fields = { server: this.name, ...failureFields(error) };
      this.#options.settings.logger.warn('a server could not be asked what it offers', fields);
    });
  }

  /** The host was answered before there was a connection: it is told what has turned out to be otherwise. */
  async #catchUp({ remote, begin }: OpenedRemote): Promise<void> {
    const { greeting, signal } = this.#connection;
    await begin(this.#initialized);
    const now = new Map<string, string | undefined>();
    for (const method of this.#early.lists) {
      const ask: RequestMessage = {
        kind: 'request',
        id: `postern:${method}`,
        method,
        ...greeting?.paramsOf(),
      };
      const answer = await remote.request(ask, { signal });
      if (answer.kind === 'result') now.set(method, resultIn(this.#kept(ask, answer)));
    }
    await this.#early.correct(now, greeting?.era ?? 'legacy');
  }

  /** What the server says by itself. */
  async #pass(message: NotificationMessage | RequestMessage): Promise<void> {
    if (message.kind === 'request') {
      this.#asked.add(message.id);
      // Of a server that asks without end, the oldest question is one that nobody will answer any more.
      const [oldest] = this.#asked;
      if (oldest !== undefined && this.#asked.size > maxAsked) this.#asked.delete(oldest);
    } else if (this.#early.hasTold(message)) return;
    await this.#options.toHost(textOf(message));
  }

  async #logIn({ id }: RequestMessage, signal: AbortSignal): Promise<string> {
    try {
      await withSignal(this.#connection.open(), signal);
    } catch (error) {
      const challenge = findAuthorizationRequired(error)?.challenge;
      if (challenge === undefined) throw error;
      await this.#options.credentials.show(challenge, { isAsked: true });
      return loginText(id, challenge);
    }
    return saidText(id, `Signed in to ${this.name}. Its tools can be used.`);
  }

  /** The tool of ours, unless the server has one of that name. */
  #isLogin({ method, params }: RequestMessage): boolean {
    return method === 'tools/call' && params?.['name'] === loginToolName && this.#early.offersLogin;
  }

  #isIgnored({ method, params }: RequestMessage): boolean {
    return method === 'tools/call' && isIgnored(params?.['name'], this.#options.config.ignoreTools);
  }

  async #failed(message: RequestMessage, error: unknown, signal: AbortSignal): Promise<string> {
    const { id, method } = message;
    const challenge = findAuthorizationRequired(error)?.challenge;
    if (challenge === undefined) return failureText(id, error);
    const { greeting } = this.#connection;
    const showsLinks = greeting !== undefined && abilitiesIn(greeting.capabilitiesOf(message)).url;
    if (!showsLinks) {
      await this.#options.credentials.show(challenge, { isAsked: true }).catch(() => {});
      return linkText(id, challenge, method);
    }
    if (greeting.era === 'modern') return this.#prompts.resultText(id, challenge);
    if (!(await this.#prompts.ask(challenge, signal))) return linkText(id, challenge, method);
    try {
      return await this.#ask(message, signal);
    } catch (again) {
      if (signal.aborted) throw again;
      const next = findAuthorizationRequired(again)?.challenge;
      return next === undefined ? failureText(id, again) : linkText(id, next, method);
    }
  }
}

function ignored(): PosternError {
  return new PosternError('ERR_POSTERN_CLIENT_TOOL_NOT_FOUND', 'this tool is not offered here', {
    hint: 'It was left out by --ignore-tool.',
  });
}
