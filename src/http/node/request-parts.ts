import { plainHeaders } from '../plain-headers.ts';

/** A request, taken apart for Node. */
export interface RequestParts {
  readonly url: URL;
  readonly method: string;
  /** By names in lower case; nobody else has them. */
  readonly headers: Record<string, string>;
  readonly body: string | Uint8Array | undefined;
  readonly signal: AbortSignal | undefined;
  readonly redirect: RequestRedirect;
}

/** Reads what `fetch` takes. */
export function readRequest(
  input: string | URL | Request,
  init: RequestInit,
): RequestParts | Promise<RequestParts> {
  if (typeof input !== 'string' && !(input instanceof URL)) return readObject(input, init);
  const { body } = init;
  if (body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array)
    return partsOf(input, init, body ?? undefined, typeof body === 'string' ? plainText : undefined);
  return readBody(body).then((read) => partsOf(input, init, read.body, read.type));
}

const plainText = 'text/plain;charset=UTF-8';

/** @param type what a body is where the headers do not say it. */
function partsOf(
  input: string | URL,
  init: RequestInit,
  body: string | Uint8Array | undefined,
  type: string | undefined,
): RequestParts {
  const { method = 'GET', signal, redirect = 'follow' } = init;
  const headers = plainHeaders(init.headers);
  if (type !== undefined) headers['content-type'] ??= type;
  return {
    url: typeof input === 'string' ? new URL(input) : input,
    method: method.toUpperCase(),
    headers,
    body,
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
