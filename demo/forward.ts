import { plainRequest } from './plain-request.ts';

/** Sends a request on to a process on this machine, and its answer back. Rejects when nobody is there. */
export async function forward(request: Request, port: number): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const headers = new Headers(request.headers);
  for (const name of ['connection', 'content-length', 'transfer-encoding']) headers.delete(name);
  const body = request.method === 'GET' ? undefined : new Uint8Array(await request.clone().arrayBuffer());
  const url = new URL(`http://127.0.0.1:${port}${pathname}${search}`);
  return plainRequest(url, { method: request.method, headers, body, timeoutMs: 20_000 });
}
