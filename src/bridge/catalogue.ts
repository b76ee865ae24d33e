import type { Logger } from '../core/logger.ts';
import { failureFields } from '../core/failure-fields.ts';
import { storageOf, type Namespace } from '../namespace/namespace.ts';
import type { StorageBackend } from '../storage/contract.ts';
import { isObject } from '../wire/message.ts';

/** What is remembered of one server, as the JSON that it said it in. */
interface Remembered {
  /** Its greetings, by the question: a version that a host asked for, or `server/discover`. */
  readonly greetings: Readonly<Record<string, string>>;
  /** Its lists, by method, where they have one page. */
  readonly lists: Readonly<Record<string, string>>;
}

const nothing: Remembered = { greetings: {}, lists: {} };
const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** Changes that come together are written together. */
const saveAfterMs = 50;
/** As many questions as any host has asked; versions are the host's words. */
const maxGreetings = 8;

/** The lists that a server may be known by. */
export const listMethods: ReadonlySet<string> = new Set([
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
]);

/**
 * What a server was last seen to offer, so that a host has an answer before anybody is connected. For each server and
 * account, sealed with the store.
 */
export class Catalogue {
  readonly #storage: () => Promise<StorageBackend>;
  readonly #namespace: Namespace;
  readonly #path: readonly [string, string];
  readonly #logger: Logger;
  #remembered: Promise<Remembered> | undefined;
  #saving: ReturnType<typeof setTimeout> | undefined;
  #saved: Promise<void> = Promise.resolve();

  constructor(options: {
    storage: () => Promise<StorageBackend>;
    namespace: Namespace;
    url: string;
    alias: string;
    logger: Logger;
  }) {
    this.#storage = options.storage;
    this.#namespace = options.namespace;
    this.#path = [options.url, options.alias];
    this.#logger = options.logger;
  }

  /** The JSON of the result that a question was last answered with. */
  async greeting(question: string): Promise<string | undefined> {
    const { greetings } = await this.#read();
    return Object.hasOwn(greetings, question) ? greetings[question] : undefined;
  }

  async list(method: string): Promise<string | undefined> {
    const { lists } = await this.#read();
    return Object.hasOwn(lists, method) ? lists[method] : undefined;
  }

  keepGreeting(question: string, result: string): Promise<void> {
    return this.#change(({ greetings, lists }) => {
      if (greetings[question] === result) return undefined;
      const others = Object.entries(greetings).filter(([name]) => name !== question);
      return {
        lists,
        greetings: { ...Object.fromEntries(others.slice(1 - maxGreetings)), [question]: result },
      };
    });
  }

  keepList(method: string, result: string): Promise<void> {
    return this.#change(({ greetings, lists }) =>
      lists[method] === result ? undefined : { greetings, lists: { ...lists, [method]: result } },
    );
  }

  /** Resolves when everything that is to be kept is kept. */
  async settle(): Promise<void> {
    if (this.#saving !== undefined) {
      clearTimeout(this.#saving);
      this.#save();
    }
    await this.#saved;
  }

  /** A store that cannot be read keeps nobody from a first answer: it is asked for anew then. */
  #read(): Promise<Remembered> {
    this.#remembered ??= (async () => {
      try {
        const entry = await storageOf(await this.#storage(), this.#namespace).get('catalogue', ...this.#path);
        return entry?.value === undefined ? nothing : readRemembered(JSON.parse(decoder.decode(entry.value)));
      } catch (error) {
        this.#logger.warn('what a server offered last could not be read', failureFields(error));
        return nothing;
      }
    })();
    return this.#remembered;
  }

  async #change(change: (remembered: Remembered) => Remembered | undefined): Promise<void> {
    const changed = change(await this.#read());
    if (changed === undefined) return;
    this.#remembered = Promise.resolve(changed);
    this.#saving ??= setTimeout(() => this.#save(), saveAfterMs);
    this.#saving.unref();
  }

  #save(): void {
    this.#saving = undefined;
    this.#saved = this.#saved
      .then(() => this.#write())
      .catch((error: unknown) => {
        this.#logger.warn('what a server offers could not be kept', failureFields(error));
      });
  }

  async #write(): Promise<void> {
    const storage = await this.#storage();
    const value = encoder.encode(JSON.stringify(await this.#read()));
    if (value.byteLength > storage.capabilities.maxValueBytes) return;
    const namespaced = storageOf(storage, this.#namespace);
    await namespaced.commit([{ put: namespaced.key(['catalogue', ...this.#path]), value }]);
  }
}

function readRemembered(value: unknown): Remembered {
  if (!isObject(value)) return nothing;
  return { greetings: textsIn(value['greetings']), lists: textsIn(value['lists']) };
}

function textsIn(value: unknown): Record<string, string> {
  if (!isObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
