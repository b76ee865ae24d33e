import { metaKeys, withParams } from '../../wire/eras/envelope.ts';
import { withMember } from '../../wire/members.ts';
import {
  errorText,
  isObject,
  readMessageText,
  resultText,
  rpcCodes,
  type Message,
  type MessageId,
  type RequestMessage,
} from '../../wire/message.ts';
import type { BridgedServer } from '../bridged-server.ts';
import { listMethods } from '../catalogue.ts';
import { greetingOf, type Greeting } from '../greeting.ts';
import type { Answerer } from '../host.ts';
import { mergedGreeting, type Greeted } from './merged-greeting.ts';
import { Prefixes } from './prefixes.ts';

/** What a list is called in its result, and what an item of it is known by. */
const lists: Readonly<Record<string, { readonly member: string; readonly by: string }>> = {
  'tools/list': { member: 'tools', by: 'name' },
  'prompts/list': { member: 'prompts', by: 'name' },
  'resources/list': { member: 'resources', by: 'uri' },
  'resources/templates/list': { member: 'resourceTemplates', by: 'uriTemplate' },
};

/** More pages of one list are not asked for. */
const maxPages = 100;
/** More questions of servers are not remembered. */
const maxQuestions = 4_096;
/** More resources are not remembered by whose they are. */
const maxOwned = 100_000;

/**
 * Several servers as one. Tools and prompts carry the name of their server, resources keep their addresses, and what a
 * server says by itself comes through.
 */
export class Switchboard implements Answerer {
  readonly #servers: ReadonlyMap<string, BridgedServer>;
  readonly #prefixes: Prefixes;
  readonly #toHost: (text: string) => Promise<unknown>;
  /** Whose a resource is, or the template of some. */
  readonly #owners = new Map<string, string>();
  /** Where requests of the host are, which it may cancel. */
  readonly #under = new Map<MessageId, readonly BridgedServer[]>();
  /** Questions of servers, which may know them by the same id. */
  readonly #questions = new Map<MessageId, { readonly server: BridgedServer; readonly id: MessageId }>();
  #greeting: Greeting | undefined;
  #count = 0;

  /** @param create makes the server of a name, which is given what takes what it says. */
  constructor(
    names: readonly string[],
    toHost: (text: string) => Promise<unknown>,
    create: (name: string, toHost: (text: string) => Promise<unknown>) => BridgedServer,
  ) {
    this.#toHost = toHost;
    this.#prefixes = new Prefixes(names);
    this.#servers = new Map(
      names.map((name) => [name, create(name, (text) => this.#pass(this.#servers.get(name), text))]),
    );
  }

  get servers(): readonly BridgedServer[] {
    return [...this.#servers.values()];
  }

  async answer(message: RequestMessage, signal: AbortSignal): Promise<string> {
    const { id, method, params } = message;
    const greeting = greetingOf(message);
    if (greeting !== undefined) return this.#greet(greeting, signal);
    if (listMethods.has(method)) return this.#list(message, signal);
    switch (method) {
      case 'ping':
        return resultText(id, {});
      case 'tools/call':
      case 'prompts/get':
        return this.#askNamed(message, params?.['name'], (name) => withParams(message, { name }), signal);
      case 'completion/complete':
        return this.#complete(message, signal);
      case 'resources/read':
      case 'resources/subscribe':
      case 'resources/unsubscribe':
        return this.#askOwner(message, String(params?.['uri']), signal);
      case 'logging/setLevel':
        await this.#askAll(message, signal);
        return resultText(id, {});
      case 'subscriptions/listen':
        return this.#listen(message, signal);
      default:
        return errorText(id, { code: rpcCodes.methodNotFound, message: 'no server of several can be meant' });
    }
  }

  async tell(message: Exclude<Message, RequestMessage>): Promise<void> {
    if (message.kind === 'notification') {
      const isCancelling = message.method === 'notifications/cancelled';
      const cancelled = isCancelling
        ? this.#under.get(message.params?.['requestId'] as MessageId)
        : undefined;
      await Promise.all(
        (cancelled ?? (isCancelling ? [] : this.servers)).map((server) => server.tell(message)),
      );
      return;
    }
    const question = message.id === undefined ? undefined : this.#questions.get(message.id);
    if (message.id === undefined || question === undefined) return;
    this.#questions.delete(message.id);
    const { text, ...rest } = message;
    const again = text === undefined ? undefined : withMember(text, [], 'id', JSON.stringify(question.id));
    await question.server.tell({ ...rest, id: question.id, ...(again !== undefined && { text: again }) });
  }

  async #greet(greeting: Greeting, signal: AbortSignal): Promise<string> {
    this.#greeting = greeting;
    const { message } = greeting;
    const all = await this.#askAll(message, signal);
    return resultText(message.id, mergedGreeting(all, greeting));
  }

  /** Every page of a list of every server. One that fails keeps nobody from the others. */
  async #list(message: RequestMessage, signal: AbortSignal): Promise<string> {
    const { id, method } = message;
    const { member, by } = lists[method] ?? { member: method, by: 'name' };
    const found = await Promise.all(
      this.servers.map(async (server) => {
        const items = await this.#pages(server, message, member, signal);
        return items?.map((item) => this.#known(server, item, by));
      }),
    );
    const items = found.flatMap((each) => each ?? []);
    return resultText(id, { [member]: items, ...this.#greeting?.extra });
  }

  /** An item of a list as the host is to know it. */
  #known({ name: server }: BridgedServer, item: unknown, by: string): unknown {
    if (!isObject(item)) return item;
    const known = item[by];
    if (typeof known !== 'string') return item;
    if (by === 'name') return { ...item, name: this.#prefixes.name(server, known) };
    // The first that has it keeps it.
    if (!this.#owners.has(known) && this.#owners.size < maxOwned) this.#owners.set(known, server);
    return item;
  }

  async #pages(
    server: BridgedServer,
    message: RequestMessage,
    member: string,
    signal: AbortSignal,
  ): Promise<unknown[] | undefined> {
    const items: unknown[] = [];
    let cursor: unknown;
    for (let page = 0; page < maxPages; page++) {
      const { text: _text, params, ...rest } = message;
      const ask: RequestMessage = {
        ...rest,
        id: `postern:list:${++this.#count}`,
        ...((params !== undefined || cursor !== undefined) && {
          params: { ...params, cursor },
        }),
      };
      const result = resultOf(await server.answer(ask, signal));
      const list = isObject(result) ? result[member] : undefined;
      if (!isObject(result) || !Array.isArray(list)) return page === 0 ? undefined : items;
      items.push(...(list as unknown[]));
      cursor = result['nextCursor'];
      if (cursor === undefined) break;
    }
    return items;
  }

  async #askNamed(
    message: RequestMessage,
    name: unknown,
    rename: (name: string) => RequestMessage,
    signal: AbortSignal,
  ): Promise<string> {
    const found = this.#prefixes.find(name);
    const server = found && this.#servers.get(found.server);
    if (found !== undefined && server !== undefined) return this.#ask([server], rename(found.name), signal);
    const error = { code: rpcCodes.invalidParams, message: 'no server has a tool or a prompt of that name' };
    return errorText(message.id, error);
  }

  async #complete(message: RequestMessage, signal: AbortSignal): Promise<string> {
    const ref = message.params?.['ref'];
    if (!isObject(ref))
      return errorText(message.id, { code: rpcCodes.invalidParams, message: '"ref" is missing' });
    if (typeof ref['uri'] === 'string') return this.#askOwner(message, ref['uri'], signal);
    const rename = (name: string): RequestMessage => withParams(message, { ref: { ...ref, name } });
    return this.#askNamed(message, ref['name'], rename, signal);
  }

  /** Asks whose resource it is; where nobody has listed it, one after the other until one knows it. */
  async #askOwner(message: RequestMessage, uri: string, signal: AbortSignal): Promise<string> {
    const owner = this.#servers.get(this.#owners.get(uri) ?? '');
    let last = errorText(message.id, { code: -32_002, message: 'no server has that resource' });
    for (const server of owner === undefined ? this.servers : [owner]) {
      last = await this.#ask([server], message, signal);
      const read = readMessageText(last);
      if (read.kind === 'result') {
        if (this.#owners.size < maxOwned) this.#owners.set(uri, server.name);
        return last;
      }
    }
    return last;
  }

  /** Holds a stream of notifications of all servers open. */
  async #listen(message: RequestMessage, signal: AbortSignal): Promise<string> {
    const { id, params } = message;
    const notifications = params?.['notifications'];
    const told = { notifications, _meta: { [metaKeys.subscriptionId]: id } };
    await this.#toHost(
      JSON.stringify({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: told }),
    );
    const [first] = await Promise.all(this.servers.map((server) => server.answer(message, signal)));
    return first ?? resultText(id, {});
  }

  async #ask(
    servers: readonly BridgedServer[],
    message: RequestMessage,
    signal: AbortSignal,
  ): Promise<string> {
    this.#under.set(message.id, servers);
    try {
      const [answer = ''] = await Promise.all(servers.map((server) => server.answer(message, signal)));
      return answer;
    } finally {
      this.#under.delete(message.id);
    }
  }

  async #askAll(message: RequestMessage, signal: AbortSignal): Promise<Greeted[]> {
    return Promise.all(
      this.servers.map(async (server) => ({
        server: server.name,
        result: resultOf(await server.answer(message, signal)),
      })),
    );
  }

  /** What a server says by itself. A question gets an id that no other server's has. */
  async #pass(server: BridgedServer | undefined, text: string): Promise<void> {
    const message = readMessageText(text);
    if (message.kind === 'notification' && message.method === 'notifications/subscriptions/acknowledged')
      return;
    if (message.kind !== 'request' || server === undefined) {
      await this.#toHost(text);
      return;
    }
    const id = `postern:${++this.#count}`;
    this.#questions.set(id, { server, id: message.id });
    const [oldest] = this.#questions.keys();
    if (oldest !== undefined && this.#questions.size > maxQuestions) this.#questions.delete(oldest);
    await this.#toHost(withMember(text, [], 'id', JSON.stringify(id)) ?? text);
  }
}

function resultOf(text: string): unknown {
  const read = readMessageText(text);
  return read.kind === 'result' ? read.result : undefined;
}
