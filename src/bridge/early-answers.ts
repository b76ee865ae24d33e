import { metaKeys } from '../wire/eras/envelope.ts';
import { isObject, type MessageId, type NotificationMessage } from '../wire/message.ts';
import { loginTool } from './answers.ts';
import type { Era, Greeting } from './greeting.ts';

const changed: ReadonlyMap<string, string> = new Map([
  ['tools/list', 'notifications/tools/list_changed'],
  ['prompts/list', 'notifications/prompts/list_changed'],
  ['resources/list', 'notifications/resources/list_changed'],
  ['resources/templates/list', 'notifications/resources/list_changed'],
]);

/** The member of a result that a list is. */
const memberOf: ReadonlyMap<string, string> = new Map([
  ['tools/list', 'tools'],
  ['prompts/list', 'prompts'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resourceTemplates'],
]);

/** What a host was told before there was a connection, and so is to be told again where it has turned out otherwise. */
export class EarlyAnswers {
  readonly #server: string;
  readonly #toHost: (text: string) => Promise<unknown>;
  /** Lists by method, as JSON; empty where none could be given. */
  readonly #lists = new Map<string, string>();
  /** The streams of notifications that it has opened. */
  readonly #streams = new Set<MessageId>();
  #standsIn = false;

  constructor(server: string, toHost: (text: string) => Promise<unknown>) {
    this.#server = server;
    this.#toHost = toHost;
  }

  /** The lists that the host has been given, or was refused. */
  get lists(): readonly string[] {
    return [...this.#lists.keys()];
  }

  /** Whether the host was last told of no tool but the one of ours. */
  get offersLogin(): boolean {
    return this.#standsIn;
  }

  /** A list is given, as it was known last. */
  gave(method: string, list: string): string {
    if (method === 'tools/list') this.#standsIn = false;
    this.#lists.set(method, list);
    return list;
  }

  /** There is nothing to give, and why that is, the host is told. */
  refused(method: string): void {
    this.#lists.set(method, '');
  }

  /** What stands for a list until somebody has signed in. */
  standIn(method: string, extra: Greeting['extra'] = {}): string {
    const isTools = method === 'tools/list';
    const list = { [memberOf.get(method) ?? method]: isTools ? [loginTool(this.#server)] : [], ...extra };
    this.gave(method, JSON.stringify(list));
    if (isTools) this.#standsIn = true;
    return JSON.stringify(list);
  }

  /** A stream is opened; its host is told so. */
  async open(stream: MessageId, notifications: unknown): Promise<void> {
    this.#streams.add(stream);
    await this.#tell('notifications/subscriptions/acknowledged', { notifications }, stream);
  }

  /** A stream that the host has is opened anew, of which it need not know. */
  reopen(stream: MessageId): void {
    this.#streams.add(stream);
  }

  close(stream: MessageId): void {
    this.#streams.delete(stream);
  }

  /** Whether a notification says what the host knows already: that its stream is open. */
  hasTold({ method, params }: NotificationMessage): boolean {
    if (method !== 'notifications/subscriptions/acknowledged' || this.#streams.size === 0) return false;
    const meta = params?.['_meta'];
    return isObject(meta) && this.#streams.has(meta[metaKeys.subscriptionId] as MessageId);
  }

  /** Tells the host which of its lists have turned out otherwise: those that `now` has another JSON for. */
  async correct(now: ReadonlyMap<string, string | undefined>, era: Era): Promise<void> {
    const stale = new Set<string>();
    for (const [method, list] of now) {
      const notification = changed.get(method);
      if (notification !== undefined && list !== this.#lists.get(method)) stale.add(notification);
      this.#lists.delete(method);
    }
    for (const method of stale) {
      if (era === 'legacy') await this.#tell(method, undefined);
      else for (const stream of this.#streams) await this.#tell(method, {}, stream);
    }
  }

  async #tell(
    method: string,
    params: Record<string, unknown> | undefined,
    stream?: MessageId,
  ): Promise<void> {
    const tagged =
      stream === undefined ? params : { ...params, _meta: { [metaKeys.subscriptionId]: stream } };
    await this.#toHost(JSON.stringify({ jsonrpc: '2.0', method, ...(tagged && { params: tagged }) }));
  }
}
