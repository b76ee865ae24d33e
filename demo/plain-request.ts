import { request } from 'node:http';

/** What {@link plainRequest} sends. */
export interface PlainRequest {
  readonly method?: string | undefined;
  readonly headers?: Headers | undefined;
  readonly body?: string | Uint8Array | undefined;
  /** Default 15,000 ms, until the answer is here whole. */
  readonly timeoutMs?: number | undefined;
}

/**
 * One request, word for word, and its answer; redirects are not followed.
 *
 * Over `node:http`: `fetch` says of itself that it is a script (`Sec-Fetch-Mode: cors`), whatever it is told to send.
 */
export function plainRequest(url: URL, options: PlainRequest = {}): Promise<Response> {
  const { method = 'GET', headers = new Headers(), body, timeoutMs = 15_000 } = options;
  const sent = {
    method,
    headers: Object.fromEntries(headers),
    signal: AbortSignal.timeout(timeoutMs),
    agent: false,
  };
  return new Promise((resolve, reject) => {
    const failed = (cause: unknown): void =>
      reject(new Error(`no answer from ${url.origin}${url.pathname}`, { cause }));
    request(url, sent, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('error', failed);
      answer.once('end', () => {
        const received = new Headers();
        for (let at = 0; at < answer.rawHeaders.length; at += 2) {
          received.append(answer.rawHeaders[at] ?? '', answer.rawHeaders[at + 1] ?? '');
        }
        // How the bytes travelled here says nothing of how they go on.
        for (const name of ['connection', 'content-length', 'keep-alive', 'transfer-encoding']) {
          received.delete(name);
        }
        const { statusCode: status = 500 } = answer;
        resolve(
          new Response(chunks.length === 0 ? null : Buffer.concat(chunks), { status, headers: received }),
        );
      });
    })
      .once('error', failed)
      .end(body);
  });
}
