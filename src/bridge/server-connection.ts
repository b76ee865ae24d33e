import { PosternError } from '../core/postern-error.ts';
import type { NotificationMessage, RequestMessage } from '../wire/message.ts';
import { modernVersion } from '../wire/eras/envelope.ts';
import { Aftercare } from './aftercare.ts';
import type { Credentials } from './credentials.ts';
import type { Greeting } from './greeting.ts';
import type { BridgedServerConfig, BridgeProtocol, BridgeSettings } from './options.ts';
import { openRemote } from './remote/open-remote.ts';
import type { OpenedRemote } from './remote/opened-remote.ts';

export interface ServerConnectionOptions {
  readonly name: string;
  readonly config: BridgedServerConfig;
  readonly credentials: Credentials;
  /** The network. */
  readonly fetch: typeof globalThis.fetch;
  readonly settings: BridgeSettings;
  /** Takes what the server says by itself. */
  readonly onMessage: (message: NotificationMessage | RequestMessage) => Promise<void>;
  /** The server has answered the greeting. */
  readonly onOpen: (opened: OpenedRemote, greeting: Greeting) => void;
}

/** The deadline of a connection. */
const connectMs = 30_000;

/** The one connection to a server: made when it is needed, by whoever needs it first, as the host has greeted it. */
export class ServerConnection {
  readonly #options: ServerConnectionOptions;
  readonly #closed = new AbortController();
  readonly #aftercare: Aftercare;
  readonly #became = Promise.withResolvers<OpenedRemote>();
  #greeting: Greeting | undefined;
  #live: OpenedRemote | undefined;
  #connecting: Promise<OpenedRemote> | undefined;

  constructor(options: ServerConnectionOptions) {
    const { name, credentials, settings } = options;
    this.#options = options;
    this.#aftercare = new Aftercare({
      server: name,
      credentials,
      settings,
      signal: this.#closed.signal,
      connect: () => this.open(),
    });
  }

  /** Aborts when there is nothing to wait for any more. */
  get signal(): AbortSignal {
    return this.#closed.signal;
  }

  get greeting(): Greeting | undefined {
    return this.#greeting;
  }

  get live(): OpenedRemote | undefined {
    return this.#live;
  }

  /** Resolves when there is a connection for the first time. */
  get became(): Promise<OpenedRemote> {
    return this.#became.promise;
  }

  /** Takes how the host greets the server. A connection that another greeting has made is given up. */
  async greet(greeting: Greeting): Promise<void> {
    const before = this.#greeting;
    this.#greeting = greeting;
    if (before === undefined || (before.era === greeting.era && before.question === greeting.question))
      return;
    await this.#connecting?.catch(() => {});
    const live = this.#live;
    this.#live = undefined;
    await live?.remote.close();
  }

  /**
   * The connection, made if there is none.
   *
   * @throws {AuthorizationRequiredError} when a person has to sign in first.
   * @throws {PosternError} ERR_POSTERN_CLIENT_NOT_CONNECTED when the host has not said how it greets.
   * @throws what its requests fail with.
   */
  open(): Promise<OpenedRemote> {
    if (this.#live !== undefined) return Promise.resolve(this.#live);
    this.#connecting ??= this.#open().finally(() => (this.#connecting = undefined));
    return this.#connecting;
  }

  async close(): Promise<void> {
    this.#closed.abort(new PosternError('ERR_POSTERN_CLIENT_CLOSED', 'the bridge was closed'));
    await this.#live?.remote.close();
  }

  async #open(): Promise<OpenedRemote> {
    const { name, config, credentials, fetch, settings, onMessage, onOpen } = this.#options;
    const greeting = this.#greeting;
    if (greeting === undefined) throw notGreeted();
    const { transport, transports = transport === undefined ? both : [transport] } = config;
    try {
      const opened = await openRemote({
        greeting,
        protocol: protocolOf(config),
        transports,
        signal: AbortSignal.any([this.#closed.signal, AbortSignal.timeout(connectMs)]),
        remote: {
          url: new URL(config.url),
          server: name,
          headers: config.headers ?? {},
          strategy: credentials.strategyFor(name, config),
          fetch,
          logger: settings.logger,
          maxBytes: settings.maxBytes,
          onMessage,
        },
      });
      // What refuses the greeting is no connection. The host learns why.
      if (opened.greeting.kind === 'error') return opened;
      this.#live = opened;
      this.#became.resolve(opened);
      onOpen(opened, greeting);
      return opened;
    } catch (error) {
      const isLate = (error as { name?: unknown } | undefined)?.name === 'TimeoutError';
      const failure = isLate ? tooLate(name, connectMs, 'the connection') : error;
      this.#aftercare.failed(failure);
      throw failure;
    }
  }
}

/** A version that is configured decides the era. */
function protocolOf({ protocol = 'auto', protocolVersion }: BridgedServerConfig): BridgeProtocol {
  if (protocolVersion === undefined) return protocol;
  return protocolVersion >= modernVersion ? 'modern' : 'legacy';
}

const both = ['streamable-http', 'sse'] as const;

function notGreeted(): PosternError {
  return new PosternError('ERR_POSTERN_CLIENT_NOT_CONNECTED', 'the host has not greeted the server', {
    hint: 'Send "initialize", or "server/discover", first.',
  });
}

/** A server has not answered in time. */
export function tooLate(server: string, ms: number, what: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_CLIENT_UNREACHABLE',
    `the server ${JSON.stringify(server)} has not answered within ${ms} ms (${what})`,
    { evidence: { mayHaveRun: true }, hint: 'A longer time is given by --timeout.' },
  );
}
