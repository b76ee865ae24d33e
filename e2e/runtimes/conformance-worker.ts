import { encrypted, createKeyring } from '../../src/index.ts';
import { storageConformance } from '../../src/storage/conformance/index.ts';
import { createD1Backend, ensureD1Tables, type D1Database } from '../../src/storage/d1/index.ts';

const keyring = createKeyring([{ id: 'k1', key: new Uint8Array(32).fill(1) }]);
const cases = storageConformance({ operations: 300 });

/** The conformance kit inside a Worker, on its own binding: `/` has the titles, `/<n>` runs a case. */
// oxlint-disable-next-line import/no-default-export -- Workers are told apart by it.
export default {
  async fetch(request: Request, { DB: database }: { readonly DB: D1Database }): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === '/') return Response.json(cases.map(({ title }) => title));
    await ensureD1Tables(database);
    let nowMs = 1_800_000_000_000;
    const clock = { now: () => nowMs, advance: (ms: number) => void (nowMs += ms) };
    const open = async () =>
      encrypted(createD1Backend({ database, clock: clock.now, pollMs: 20, timeoutMs: 60_000 }), keyring);
    try {
      await cases[Number(pathname.slice(1))]!.run({ clock, separateHandles: true, open });
      return new Response('holds');
    } catch (error) {
      return new Response(error instanceof Error ? error.message : 'it does not say why');
    }
  },
};
