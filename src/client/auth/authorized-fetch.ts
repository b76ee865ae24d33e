import { isHeaderValue } from '../../core/header-value.ts';
import { asClientOf, type CertifiedInit } from '../../http/certificates.ts';
import { findPosternError, PosternError } from '../../core/postern-error.ts';
import { plainHeaders } from '../../http/plain-headers.ts';
import type { AuthStrategy } from './auth-strategy.ts';

/** A request is sent at most this often; a server that refuses fresh credentials is not asked for ever. */
const maxSends = 4;

/**
 * A `fetch` that sends every request as a strategy says, and lets it answer refusals.
 *
 * The MCP SDK is given no credentials at all: the 401, its challenge and the retry are ours.
 */
export function authorizedFetch(
  strategy: AuthStrategy,
  options: {
    readonly fetch: typeof globalThis.fetch;
    readonly server: string;
    /** Sees every answer, before anything of its body is read. */
    readonly onAnswer?: ((response: Response) => void) | undefined;
  },
): typeof globalThis.fetch {
  /** The value that was checked last: most requests are sent with the same. */
  let checked: string | undefined;
  return async (input, init = {}) => {
    const url = typeof input === 'string' || input instanceof URL ? String(input) : input.url;
    const method = init.method ?? 'GET';
    for (let attempt = 1; ; attempt++) {
      const authorization = await strategy.authorize({ method, url });
      // The caller's own are left alone, and nothing of an earlier try stays in them.
      const headers = plainHeaders(init.headers);
      for (const [name, value] of Object.entries(authorization.headers)) {
        // What sets them says what it could not set, and whoever logs that logs a secret.
        if (value !== checked && !isHeaderValue(value)) throw unsendable(options.server, name);
        checked = value;
        headers[name.toLowerCase()] = value;
      }
      const { boundBy } = authorization;
      const request: CertifiedInit = { ...init, headers, ...(boundBy && { [asClientOf]: boundBy }) };
      let response: Response;
      try {
        response = await options.fetch(input, request);
      } catch (error) {
        throw reasonOf(error, request, options.server);
      }
      options.onAnswer?.(response);
      if (!isRefusal(response, strategy)) {
        strategy.accepted?.(authorization);
        return response;
      }
      if (attempt >= maxSends) return response;
      let isResolved: boolean;
      try {
        isResolved = await strategy.handleRefusal({ response, authorization, attempt });
      } catch (error) {
        letGo(response);
        throw error;
      }
      if (!isResolved) return response;
      letGo(response);
    }
  };
}

/** Frees the connection of an answer that nobody reads. */
function letGo({ body }: Response): void {
  void body?.cancel().catch(() => {});
}

function unsendable(server: string, name: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `the strategy of the server ${JSON.stringify(server)} gives a value that the header ${JSON.stringify(name)} cannot carry`,
  );
}

function isRefusal({ status, headers }: Response, { takesBare403 }: AuthStrategy): boolean {
  return status === 401 || (status === 403 && (takesBare403 === true || headers.has('www-authenticate')));
}

/** What a request that got no answer failed of. */
function reasonOf(cause: unknown, { signal }: RequestInit, server: string): unknown {
  if (signal?.aborted === true || findPosternError(cause) !== undefined) return cause;
  return new PosternError(
    'ERR_POSTERN_CLIENT_UNREACHABLE',
    `the server ${JSON.stringify(server)} does not answer`,
    { cause, hint: 'Check that the server runs, and that its URL is right.' },
  );
}
