import { findAuthorizationRequired } from '../client/auth/authorization-required-error.ts';
import { timeLimit } from '../core/clock.ts';
import { failureFields } from '../core/failure-fields.ts';
import { PosternError } from '../core/postern-error.ts';
import { withSignal } from '../sync/with-signal.ts';
import type { Message, NotificationMessage, RequestMessage } from '../wire/message.ts';
import {
  failureText,
  keptText,
  linkText,
  loginText,
  loginTool,
  loginToolName,
  resultIn,
  saidText,
} from './answers.ts';
import { Aftercare } from './aftercare.ts';
import { Catalogue, listMethods } from './catalogue.ts';
import type { Credentials } from './credentials.ts';
import { greetingOf, type Greeting } from './greeting.ts';
import { isIgnored, withoutIgnored } from './ignored-tools.ts';
import type { BridgedServerConfig, BridgeSettings } from './options.ts';
import type { NodeFetch } from './remote/node-fetch.ts';
import { openRemote, type OpenedRemote } from './remote/open-remote.ts';
import { textOf, type Answer } from './remote/streamable-http.ts';

/** Who a server speaks to through a bridge. A promise is settled when more can be taken. */
export type ToHost = (text: string) => Promise<unknown>;

export interface BridgedServerOptions {
  readonly name: string;
  readonly config: BridgedServerConfig;
  readonly credentials: Credentials;
  readonly http: NodeFetch;
  readonly settings: BridgeSettings;
  readonly toHost: ToHost;
}

/** How long the deadline of a connection is. */
const connectMs = 30_000;
const changed: Readonly<Record<string, string>> = {
  'tools/list': 'notifications/tools/list_changed',
  'prompts/list': 'notifications/prompts/list_changed',
  'resources/list': 'notifications/resources/list_changed',
  'resources/templates/list': 'notifications/resources/list_changed',
};

/**
 * One remote server as a host on stdio sees it: there at once, by what was known of it last, and connected as soon as it
 * answers and its person has signed in.
 */
export class BridgedServer {
  readonly name: string;
  readonly #options: BridgedServerOptions;
  readonly #catalogue: Catalogue;
  readonly #aftercare: Aftercare;
  readonly #closed = new AbortController();
  #greeting: Greeting | undefined;
  /** The greeting as the host was answered; of what stands behind it, nothing may be known yet. */
  #greetedBy: 'server' | 'catalogue' | 'bridge' | undefined;
  #initialized: NotificationMessage | undefined;
  #live: OpenedRemote | undefined;
  #connecting: Promise<OpenedRemote> | undefined;
  /** The lists that the host was given before there was a connection. */
  readonly #given = new Map<string, string>();
  /** Questions of the server that the host has not answered. */
  readonly #asked = new Set<string | number>();

  constructor(options: BridgedServerOptions) {
    const { name, config, credentials, settings } = options;
    this.name = name;
    this.#options = options;
    this.#catalogue = new Catalogue({
      storage: () => credentials.storage(),
      namespace: credentials.namespace,
      url: config.url,
      alias: name,
      logger: settings.logger,
    });
    this.#aftercare = new Aftercare({
      server: name,
      credentials,
      settings,
      signal: this.#closed.signal,
      connect: () => this.#connect(),
    });
  }

  /** The JSON of the answer to a request of the host. @throws the signal's reason when the host waits no longer. */
  async answer(message: RequestMessage, signal: AbortSignal): Promise<string> {
    try {
      const greeting = greetingOf(message);
      if (greeting !== undefined) return await this.#greet(greeting, signal);
      if (message.method === 'ping' && this.#live === undefined) return keptText(message.id, '{}');
      if (this.#isIgnored(message)) return this.#refuseIgnored(message);
      if (this.#isLogin(message)) return await this.#logIn(message, signal);
      if (this.#live === undefined && listMethods.has(message.method))
        return await this.#listEarly(message, signal);
      return await this.#ask(message, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      return this.#failed(message, error);
    }
  }

  /** Takes what the host does not wait for: notifications, and answers to questions of the server. */
  async tell(message: Exclude<Message, RequestMessage>): Promise<void> {
    if (message.kind === 'notification' && message.method === 'notifications/initialized') {
      this.#initialized = message;
      if (this.#greetedBy === 'server') await this.#live?.begin(message);
      return;
    }
    if (message.kind !== 'notification' && (message.id === undefined || !this.#asked.delete(message.id))) {
      this.#options.settings.logger.debug('an answer that nobody waits for was dropped', {
        server: this.name,
      });
      return;
    }
    // What nobody is connected to has nothing to be told.
    try {
      await this.#live?.remote.notify(message);
    } catch (error) {
      this.#options.settings.logger.warn('a server was not told', {
        server: this.name,
        ...failureFields(error),
      });
    }
  }

  async close(): Promise<void> {
    this.#closed.abort(new PosternError('ERR_POSTERN_CLIENT_CLOSED', 'the bridge was closed'));
    await Promise.all([this.#live?.remote.close(), this.#catalogue.settle()]);
  }

  async #greet(greeting: Greeting, signal: AbortSignal): Promise<string> {
    this.#greeting = greeting;
    const { id } = greeting.message;
    const known = await this.#catalogue.greeting(greeting.question);
    const connecting = this.#connect();
    if (known !== undefined) {
      this.#greetedBy = 'catalogue';
      connecting.catch(() => {});
      return keptText(id, known);
    }
    const limit = timeLimit(this.#options.settings.firstAnswerMs);
    try {
      const live = await withSignal(Promise.race([connecting, limit.passed]), signal);
      if (live !== undefined) {
        this.#greetedBy = 'server';
        return textOf(live.greeting);
      }
    } catch (error) {
      if (signal.aborted) throw error;
      const challenge = findAuthorizationRequired(error)?.challenge;
      // Nothing can be done with it but to sign in.
      if (challenge !== undefined) void this.#options.credentials.show(challenge).catch(() => {});
    } finally {
      limit.cancel();
    }
    this.#greetedBy = 'bridge';
    return keptText(id, JSON.stringify(greeting.minimal(this.name)));
  }

  /** A list before there is a connection: as it was last, or what stands for it. */
  async #listEarly(message: RequestMessage, signal: AbortSignal): Promise<string> {
    const { id, method, params } = message;
    const isFirstPage = params?.['cursor'] === undefined;
    const known = isFirstPage ? await this.#catalogue.list(method) : undefined;
    if (known !== undefined && this.#live === undefined) {
      this.#given.set(method, known);
      return keptText(id, known);
    }
    try {
      return await this.#ask(message, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      // Once there is a list, the host is told so.
      this.#given.set(method, '');
      if (findAuthorizationRequired(error) === undefined) throw error;
    }
    const [what = ''] = method === 'resources/templates/list' ? ['resourceTemplates'] : method.split('/');
    const list = JSON.stringify({
      [what]: method === 'tools/list' ? [loginTool(this.name)] : [],
      ...this.#greeting?.extra,
    });
    this.#given.set(method, list);
    return keptText(id, list);
  }

  async #ask(message: RequestMessage, signal: AbortSignal): Promise<string> {
    const live = this.#live ?? (await withSignal(this.#connect(), signal));
    const { timeoutMs } = this.#options.settings;
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(this.#tooLate(message.method)), timeoutMs);
    try {
      const answer = await live.remote.request(message, {
        signal: AbortSignal.any([signal, deadline.signal]),
      });
      return this.#kept(message, answer);
    } finally {
      clearTimeout(timer);
    }
  }

  /** An answer as the host gets it. What a later start can use is kept. */
  #kept({ method, params }: RequestMessage, answer: Answer): string {
    const text = textOf(answer);
    if (answer.kind !== 'result' || !listMethods.has(method)) return text;
    const shown =
      method === 'tools/list' ? withoutIgnored(text, answer.result, this.#options.config.ignoreTools) : text;
    if (params?.['cursor'] === undefined) this.#keepList(method, answer, shown);
    return shown;
  }

  #keepList(method: string, { result }: { readonly result: unknown }, shown: string): void {
    const isWhole = (result as { nextCursor?: unknown } | null)?.nextCursor === undefined;
    const list = isWhole ? resultIn(shown) : undefined;
    if (list !== undefined) void this.#catalogue.keepList(method, list);
  }

  #connect(): Promise<OpenedRemote> {
    if (this.#live !== undefined) return Promise.resolve(this.#live);
    this.#connecting ??= this.#open().finally(() => (this.#connecting = undefined));
    return this.#connecting;
  }

  async #open(): Promise<OpenedRemote> {
    const { name, config, credentials, http, settings } = this.#options;
    const greeting = this.#greeting;
    if (greeting === undefined)
      throw new PosternError('ERR_POSTERN_CLIENT_NOT_CONNECTED', 'the host has not greeted the server', {
        hint: 'Send "initialize", or "server/discover", first.',
      });
    try {
      const opened = await openRemote({
        greeting,
        protocol: config.protocol ?? 'auto',
        transports:
          config.transports ??
          (config.transport === undefined ? ['streamable-http', 'sse'] : [config.transport]),
        signal: AbortSignal.any([this.#closed.signal, AbortSignal.timeout(connectMs)]),
        remote: {
          url: new URL(config.url),
          server: name,
          headers: config.headers ?? {},
          strategy: credentials.strategyFor(name, config),
          http,
          logger: settings.logger,
          maxBytes: settings.maxBytes,
          onMessage: (message) => this.#pass(message),
        },
      });
      this.#opened(opened);
      return opened;
    } catch (error) {
      const late = (error as { name?: unknown } | undefined)?.name === 'TimeoutError';
      const failure = late ? this.#tooLate('the connection', connectMs) : error;
      this.#aftercare.failed(failure);
      throw failure;
    }
  }

  #opened(opened: OpenedRemote): void {
    this.#live = opened;
    const { question } = this.#greeting ?? {};
    const result = opened.greeting.kind === 'result' ? resultIn(textOf(opened.greeting)) : undefined;
    if (question !== undefined && result !== undefined) void this.#catalogue.keepGreeting(question, result);
    if (this.#greetedBy === undefined) return;
    void this.#catchUp(opened).catch((error: unknown) => {
      this.#options.settings.logger.warn('a server could not be asked what it offers', {
        server: this.name,
        ...failureFields(error),
      });
    });
  }

  /** The host was answered before there was a connection: it is told what has turned out to be otherwise. */
  async #catchUp({ remote, begin }: OpenedRemote): Promise<void> {
    await begin(this.#initialized);
    const stale = new Set<string>();
    for (const [method, given] of this.#given) {
      const id = `postern:${method}`;
      const ask: RequestMessage = { kind: 'request', id, method, ...this.#greeting?.paramsOf() };
      const answer = await remote.request(ask, { signal: this.#closed.signal });
      if (answer.kind !== 'result') continue;
      const list = resultIn(this.#kept(ask, answer));
      const notification = changed[method];
      if (list !== given && notification !== undefined) stale.add(notification);
    }
    for (const method of stale) await this.#options.toHost(JSON.stringify({ jsonrpc: '2.0', method }));
  }

  /** What the server says by itself. */
  async #pass(message: NotificationMessage | RequestMessage): Promise<void> {
    if (message.kind === 'request') this.#asked.add(message.id);
    await this.#options.toHost(textOf(message));
  }

  async #logIn(message: RequestMessage, signal: AbortSignal): Promise<string> {
    try {
      await withSignal(this.#connect(), signal);
    } catch (error) {
      const challenge = findAuthorizationRequired(error)?.challenge;
      if (challenge === undefined) throw error;
      await this.#options.credentials.show(challenge);
      return loginText(message.id, challenge);
    }
    return saidText(message.id, `Signed in to ${this.name}. Its tools can be used.`);
  }

  /** The tool of ours, unless the server has one of that name. */
  #isLogin({ method, params }: RequestMessage): boolean {
    if (method !== 'tools/call' || params?.['name'] !== loginToolName) return false;
    return this.#given.get('tools/list') === undefined ? this.#live === undefined : this.#offersLogin();
  }

  #offersLogin(): boolean {
    return (
      this.#given.get('tools/list') ===
      JSON.stringify({ tools: [loginTool(this.name)], ...this.#greeting?.extra })
    );
  }

  #isIgnored({ method, params }: RequestMessage): boolean {
    return method === 'tools/call' && isIgnored(params?.['name'], this.#options.config.ignoreTools);
  }

  #refuseIgnored({ id }: RequestMessage): string {
    return failureText(
      id,
      new PosternError('ERR_POSTERN_CLIENT_TOOL_NOT_FOUND', 'this tool is not offered here', {
        hint: 'It was left out by --ignore-tool.',
      }),
    );
  }

  async #failed(message: RequestMessage, error: unknown): Promise<string> {
    const challenge = findAuthorizationRequired(error)?.challenge;
    if (challenge === undefined) return failureText(message.id, error);
    await this.#options.credentials.show(challenge).catch(() => {});
    return linkText(message.id, challenge, message.method);
  }

  #tooLate(what: string, ms = this.#options.settings.timeoutMs): PosternError {
    return new PosternError(
      'ERR_POSTERN_CLIENT_UNREACHABLE',
      `the server ${JSON.stringify(this.name)} has not answered within ${ms} ms (${what})`,
      { evidence: { mayHaveRun: true }, hint: 'A longer time is given by --timeout.' },
    );
  }
}
