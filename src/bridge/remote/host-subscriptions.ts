import { withSignal } from '../../sync/with-signal.ts';
import { metaKeys } from '../../wire/eras/envelope.ts';
import {
  isObject,
  type MessageId,
  type NotificationMessage,
  type RequestMessage,
} from '../../wire/message.ts';
import type { RemoteOptions } from './remote-options.ts';
import type { Answer } from './answer.ts';

/** What one stream of a host is to be told. */
type Filter = Readonly<Record<string, unknown>>;

const filterOf: Readonly<Record<string, string>> = {
  'notifications/tools/list_changed': 'toolsListChanged',
  'notifications/prompts/list_changed': 'promptsListChanged',
  'notifications/resources/list_changed': 'resourcesListChanged',
};

/** More resources in one subscription are not followed. */
const maxResources = 1_000;

/** The streams that a host of the modern era has opened for notifications, over a server that knows none of that. */
export class HostSubscriptions {
  readonly #toHost: RemoteOptions['onMessage'];
  readonly #subscribe: (method: string, uri: string) => Promise<void>;
  readonly #streams = new Map<MessageId, Filter>();

  constructor(toHost: RemoteOptions['onMessage'], subscribe: (method: string, uri: string) => Promise<void>) {
    this.#toHost = toHost;
    this.#subscribe = subscribe;
  }

  /** Holds a stream open until the host closes it. */
  async hold({ id, params }: RequestMessage, signal: AbortSignal | undefined): Promise<Answer> {
    const wanted = params?.['notifications'];
    const filter: Filter = isObject(wanted) ? wanted : {};
    this.#streams.set(id, filter);
    const uris = urisIn(filter);
    try {
      await this.#tell('notifications/subscriptions/acknowledged', id, { notifications: filter });
      for (const uri of uris) await this.#subscribe('resources/subscribe', uri);
      return await withSignal(new Promise<never>(() => {}), signal);
    } finally {
      this.#streams.delete(id);
      const others = new Set([...this.#streams.values()].flatMap(urisIn));
      for (const uri of uris) if (!others.has(uri)) void this.#subscribe('resources/unsubscribe', uri);
    }
  }

  /** Tells whoever has asked for it. Returns whether it is a notification that only those are told of. */
  async pass({ method, params }: NotificationMessage): Promise<boolean> {
    const name = filterOf[method];
    const isUpdate = method === 'notifications/resources/updated';
    if (name === undefined && !isUpdate) return false;
    for (const [id, filter] of this.#streams) {
      const isWanted =
        name === undefined ? urisIn(filter).includes(String(params?.['uri'])) : filter[name] === true;
      if (isWanted) await this.#tell(method, id, params ?? {});
    }
    return true;
  }

  async #tell(method: string, id: MessageId, params: Readonly<Record<string, unknown>>): Promise<void> {
    const meta = isObject(params['_meta']) ? params['_meta'] : {};
    const tagged = { ...params, _meta: { ...meta, [metaKeys.subscriptionId]: id } };
    await this.#toHost({ kind: 'notification', method, params: tagged });
  }
}

function urisIn(filter: Filter): string[] {
  const uris = filter['resourceSubscriptions'];
  return Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string').slice(0, maxResources) : [];
}
