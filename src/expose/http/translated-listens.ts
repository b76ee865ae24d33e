import type { Child, ChildUser } from '../child/child.ts';
import type { ChildSupply } from '../child/child-supply.ts';
import type { LooseMessage } from '../child/server-link.ts';
import { metaKeys } from '../../wire/eras/envelope.ts';
import { isObject, rpcCodes, type NotificationMessage, type RequestMessage } from '../../wire/message.ts';
import { CallAnswer, type StreamTimes } from './call-answer.ts';
import type { OutgoingConnection } from './event-stream.ts';
import { errorAnswer, type HttpAnswer } from './http-answer.ts';

/** What a client of 2026-07-28 wants to hear of. */
interface Listen {
  readonly answer: CallAnswer;
  readonly id: RequestMessage['id'];
  readonly methods: ReadonlySet<string>;
  readonly uris: ReadonlySet<string>;
}

const noteName = 'translated listens';
const maxListens = 64;
const maxUris = 256;
const subscribeMs = 10_000;

/** By the name of a wish, the notification, and which of the server's abilities has it. */
const changes = [
  ['toolsListChanged', 'notifications/tools/list_changed', 'tools'],
  ['promptsListChanged', 'notifications/prompts/list_changed', 'prompts'],
  ['resourcesListChanged', 'notifications/resources/list_changed', 'resources'],
] as const;

/** The subscriptions of 2026-07-28 at one child of older revisions, which says what has changed to its connection as a whole. */
export class TranslatedListens implements ChildUser {
  readonly keeps = false;
  readonly #child: Child;
  readonly #capabilities: Readonly<Record<string, unknown>>;
  readonly #listens = new Set<Listen>();

  private constructor(child: Child, initialized: unknown) {
    this.#child = child;
    const capabilities = isObject(initialized) ? initialized['capabilities'] : undefined;
    this.#capabilities = isObject(capabilities) ? capabilities : {};
  }

  static of(child: Child, supply: ChildSupply, initialized: unknown): TranslatedListens {
    const known = child.notes.get(noteName);
    if (known instanceof TranslatedListens) return known;
    const made = new TranslatedListens(child, initialized);
    child.notes.set(noteName, made);
    supply.join(child, made);
    return made;
  }

  get listens(): boolean {
    return this.#listens.size > 0;
  }

  /** Opens a stream, which begins with what of the wish can be met. */
  open(
    { id, params }: RequestMessage,
    { connection, times }: { readonly connection: OutgoingConnection; readonly times: StreamTimes },
  ): HttpAnswer | Promise<HttpAnswer> {
    if (this.#listens.size >= maxListens) {
      return errorAnswer(
        503,
        { code: rpcCodes.serverError, message: 'as many subscriptions are open as may be' },
        id,
      );
    }
    const wish = isObject(params?.['notifications']) ? params['notifications'] : {};
    const met = changes.filter(
      ([name, , ability]) => wish[name] === true && this.#can(ability, 'listChanged'),
    );
    const uris = this.#can('resources', 'subscribe') ? urisIn(wish['resourceSubscriptions']) : [];
    const answer = new CallAnswer({
      id,
      connection,
      times,
      statusOf: () => 200,
      onOver: () => this.#over(listen),
    });
    const listen: Listen = {
      answer,
      id,
      methods: new Set(met.map(([, method]) => method)),
      uris: new Set(uris),
    };
    this.#listens.add(listen);
    for (const uri of uris)
      void this.#child.link.ask('resources/subscribe', { uri }, subscribeMs).catch(() => undefined);
    const notifications = {
      ...Object.fromEntries(met.map(([name]) => [name, true])),
      ...(uris.length > 0 && { resourceSubscriptions: uris }),
    };
    const method = 'notifications/subscriptions/acknowledged';
    void answer.event(notificationText(listen, { method, params: { notifications } }));
    return answer.response;
  }

  heard(message: LooseMessage): Promise<void> | void {
    if (message.kind === 'request') return this.#asked(message);
    const { method, params } = message;
    const uri = params?.['uri'];
    const held: Promise<void>[] = [];
    for (const listen of this.#listens) {
      const follows =
        method === 'notifications/resources/updated' && typeof uri === 'string' && listen.uris.has(uri);
      if (!follows && !listen.methods.has(method)) continue;
      const wait = listen.answer.event(notificationText(listen, message));
      if (wait !== undefined) held.push(wait);
    }
    return held.length === 0 ? undefined : Promise.all(held).then(() => undefined);
  }

  /** Whoever listens opens another stream, and learns of what it has missed by asking. */
  lost(): void {
    for (const { answer } of this.#listens) answer.dismiss();
  }

  #asked({ id, method }: RequestMessage): void {
    const error = {
      code: rpcCodes.methodNotFound,
      message: 'the client has not declared that it could be asked for this',
    };
    const outcome = method === 'ping' ? { result: {} } : { error };
    void this.#child.link.hand(JSON.stringify({ jsonrpc: '2.0', id, ...outcome }));
  }

  #over(listen: Listen): void {
    this.#listens.delete(listen);
    for (const uri of listen.uris) {
      if ([...this.#listens].some(({ uris }) => uris.has(uri))) continue;
      void this.#child.link.ask('resources/unsubscribe', { uri }, subscribeMs).catch(() => undefined);
    }
  }

  #can(ability: string, what: string): boolean {
    const able = this.#capabilities[ability];
    return isObject(able) && able[what] === true;
  }
}

function urisIn(wish: unknown): string[] {
  if (!Array.isArray(wish)) return [];
  return [...new Set(wish.filter((uri): uri is string => typeof uri === 'string'))].slice(0, maxUris);
}

function notificationText(
  { id }: Listen,
  { method, params }: Pick<NotificationMessage, 'method' | 'params'>,
): string {
  const meta = isObject(params?.['_meta']) ? params['_meta'] : {};
  const tagged = { ...params, _meta: { ...meta, [metaKeys.subscriptionId]: id } };
  return JSON.stringify({ jsonrpc: '2.0', method, params: tagged });
}
