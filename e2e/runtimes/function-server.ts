import { encrypted, keyringFromText, silentLogger } from '../../src/index.ts';
import { openSqlite } from '../../src/storage/sqlite/index.ts';
import { answer, resume, type Settings } from '../../examples/serverless/agent-function.ts';

/** As much of what Bun and Deno have of their own as is used here. */
interface OtherRuntime {
  readonly Bun?: { serve(options: { port: number; hostname: string; fetch: Handler }): { port: number } };
  readonly Deno?: {
    serve(
      options: { port: number; hostname: string; onListen(): void },
      fetch: Handler,
    ): { addr: { port: number } };
  };
}
type Handler = (request: Request) => Promise<Response>;

const { settings, file, keys } = JSON.parse(process.argv[2] ?? '') as {
  settings: Omit<Settings, 'storage' | 'logger'>;
  file: string;
  keys: string;
};
const storage = encrypted(openSqlite(file), keyringFromText(keys));
const all: Settings = { ...settings, storage, logger: silentLogger };
const invocation = { waitUntil: (work: Promise<unknown>) => void work.catch(() => {}) };

/** The function of `examples/serverless`, served by the runtime itself; `/tick` is its timer. */
const handle: Handler = async (request) => {
  const { pathname, search } = new URL(request.url);
  if (pathname === '/tick') return new Response(String(await resume(all, invocation)));
  // Whoever stands in front has the address that browsers use.
  const url = settings.origin + pathname + search;
  const init = { method: request.method, headers: request.headers };
  const body = request.method === 'GET' ? undefined : await request.text();
  return answer(new Request(url, { ...init, ...(body !== undefined && { body }) }), all, invocation);
};

const { Bun, Deno } = globalThis as OtherRuntime;
const own = { hostname: '127.0.0.1', port: 0 };
const port =
  Bun?.serve({ ...own, fetch: handle }).port ?? Deno?.serve({ ...own, onListen: () => {} }, handle).addr.port;
console.log(JSON.stringify({ port, runtime: Bun ? 'bun' : 'deno' }));
