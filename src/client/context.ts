import type { Namespace } from '../namespace/namespace.ts';
import { createNamespace, storageOf } from '../namespace/namespace.ts';
import type { StorageBackend } from '../storage/contract.ts';
import type { NamespacedStorage } from '../storage/namespaced-storage.ts';

/**
 * A namespace from the agent's side: who is being acted for, where their things are kept, and what the host says of them.
 *
 * `Coordinator` is the class of the one that has made it.
 */
export class Context<Coordinator = unknown> {
  readonly namespace: Namespace;
  readonly #backend: StorageBackend;
  /** The one that has made it, and knows what its person is asked for. */
  readonly coordinator: Coordinator;
  /** The host's own data about this context: a thread, a channel. Comes back in events; never decides anything. */
  metadata: unknown;
  /** Who must finish this context's sign-ins: what `verifyUser` must answer. Default: the context's id. */
  readonly initiator: string;

  constructor(options: {
    id: string;
    storage: StorageBackend;
    coordinator: Coordinator;
    metadata?: unknown;
    initiator?: string | undefined;
  }) {
    this.namespace = createNamespace('client', options.id);
    this.#backend = options.storage;
    this.coordinator = options.coordinator;
    this.metadata = options.metadata;
    this.initiator = options.initiator ?? options.id;
  }

  get id(): string {
    return this.namespace.id;
  }

  /** Everything kept for this context. */
  get storage(): NamespacedStorage {
    return storageOf(this.#backend, this.namespace);
  }
}
