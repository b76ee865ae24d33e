import { createRequire } from 'node:module';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

/** Loads a package as CommonJS: what Auth0's packages give an `import` does not load in Node, since its own imports have no endings. */
export const load: (name: string) => unknown = createRequire(import.meta.url);

/** As {@link load}, from beside another package, where that brings a version of its own. */
export function loadBeside(neighbour: string, name: string): unknown {
  return createRequire(createRequire(import.meta.url).resolve(neighbour))(name);
}

/** How Auth0's SDKs are given the tenant. The address is nobody's. */
export const tenant = { domain: 'tenant.invalid', clientId: 'compare', clientSecret: 'compare' };

/** Leads requests to the tenant, which Auth0's SDKs only make by `https`, to the stand-in. */
export function leadToStandIn(tenantUrl: string): void {
  const direct = globalThis.fetch;
  const origin = `https://${tenant.domain}`;
  globalThis.fetch = (input, init) => {
    const url = typeof input === 'string' ? input : undefined;
    return url?.startsWith(origin) === true
      ? direct(tenantUrl + url.slice(origin.length), init)
      : direct(input, init);
  };
}

/** Calls a tool of the calendar with a token; `undefined` when the calendar refuses the token. */
export async function callCalendar(
  url: string,
  token: string,
  { name, args }: { readonly name: string; readonly args: Record<string, unknown> },
): Promise<string | undefined> {
  let isRefused = false;
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    fetch: async (...asked) => {
      const response = await fetch(...asked);
      isRefused ||= response.status === 401;
      return response;
    },
  });
  const client = new Client({ name: 'compare', version: '1.0.0' });
  try {
    await client.connect(transport);
    const { content } = await client.callTool({ name, arguments: args });
    return content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
  } catch (error) {
    if (isRefused) return undefined;
    throw error;
  } finally {
    await client.close().catch(() => {});
  }
}
