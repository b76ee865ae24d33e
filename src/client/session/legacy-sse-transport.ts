import { SdkErrorCode, SdkHttpError, SseError, SSEClientTransport } from '@modelcontextprotocol/client';

/**
 * The transport of before 2025-03-26, with failures that can be told apart.
 *
 * The SDK turns what its `fetch` throws, and every HTTP status, into text. Here the error itself is what `start` and
 * `send` reject with. A stream that breaks closes the transport: the session behind it is gone, and a stream that is
 * opened again by itself would be one that nobody has initialised.
 */
export function createLegacySseTransport(
  url: URL,
  options: { fetch: typeof globalThis.fetch; headers?: Readonly<Record<string, string>> | undefined },
): SSEClientTransport {
  let failure: unknown;
  const typedFetch: typeof globalThis.fetch = async (input, init) => {
    failure = undefined;
    try {
      const response = await options.fetch(input, init);
      if (response.ok) return response;
      const { status, statusText } = response;
      failure = new SdkHttpError(
        SdkErrorCode.ClientHttpFailedToOpenStream,
        `the server answered HTTP ${status}`,
        {
          status,
          statusText,
        },
      );
      // The stream's reader knows what to do with a status; a post does not.
      if (init?.method !== 'POST') return response;
      await response.body?.cancel();
    } catch (error) {
      failure = error;
    }
    throw failure;
  };
  const transport = new SSEClientTransport(url, {
    fetch: typedFetch,
    ...(options.headers && { requestInit: { headers: { ...options.headers } } }),
  });
  let isOpen = false;
  transport.onerror = (error) => {
    if (isOpen && error instanceof SseError) void transport.close();
  };
  const start = transport.start.bind(transport);
  transport.start = async () => {
    try {
      await start();
      isOpen = true;
    } catch (error) {
      throw failure ?? error;
    }
  };
  return transport;
}
