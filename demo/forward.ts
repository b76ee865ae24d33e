/** Sends a request on to a process on this machine, and its answer back. Rejects when nobody is there. */
export async function forward(request: Request, port: number): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const { method, headers } = request;
  const reply = await fetch(`http://127.0.0.1:${port}${pathname}${search}`, {
    method,
    headers,
    body: method === 'GET' ? null : await request.clone().arrayBuffer(),
    redirect: 'manual',
    signal: AbortSignal.timeout(20_000),
  });
  const passed = new Headers(reply.headers);
  // How the bytes travelled here says nothing of how they go on.
  for (const name of ['connection', 'content-encoding', 'content-length', 'transfer-encoding'])
    passed.delete(name);
  return new Response(reply.status === 204 ? null : await reply.arrayBuffer(), {
    status: reply.status,
    headers: passed,
  });
}
