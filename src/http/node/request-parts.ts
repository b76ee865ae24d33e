import { plainHeaders } from '../plain-headers.ts';

/** A request, taken apart for Node. */
export interface RequestParts {
  readonly url: URL;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string | Uint8Array | undefined;
  readonly signal: AbortSignal | undefined;
  readonly redirect: RequestRedirect;
}

/** Reads what `fetch` takes. */
export async function readRequest(input: string | URL | Request, init: RequestInit): Promise<RequestParts> {
  if (typeof input !== 'string' && !(input instanceof URL)) return readObject(input, init);
  const { method = 'GET', body, signal, redirect = 'follow' } = init;
  const headers = plainHeaders(init.headers);
  const isPlain =
    body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array;
  const read = isPlain ? { body: body ?? undefined, type: undefined } : await readBody(body);
  const type = read.type ?? (typeof body === 'string' ? 'text/plain;charset=UTF-8' : undefined);
  if (type !== undefined) headers['content-type'] ??= type;
  return {
    url: typeof input === 'string' ? new URL(input) : input,
    method: method.toUpperCase(),
    headers,
    body: read.body,
    signal: signal ?? undefined,
    redirect,
  };
}

async function readObject(request: Request, init: RequestInit): Promise<RequestParts> {
  const whole = new Request(request, init);
  const { url, method, headers, signal, redirect } = whole;
  const body = whole.body === null ? undefined : new Uint8Array(await whole.arrayBuffer());
  return readRequest(url, { method, headers, signal, redirect, ...(body && { body }) });
}

/** What is neither text nor bytes, with the type that it brings. */
async function readBody(body: BodyInit): Promise<{ body: Uint8Array; type: string | undefined }> {
  const response = new Response(body);
  const type = response.headers.get('content-type') ?? undefined;
  return { body: new Uint8Array(await response.arrayBuffer()), type };
}
