import type { Client as SdkClient, RequestOptions } from '@modelcontextprotocol/client';

/** The cheapest request that a server, as a rule, answers only to the user. */
export function askAsUser(client: SdkClient, options: RequestOptions): Promise<unknown> {
  if (client.getServerCapabilities()?.tools !== undefined) {
    return client.listTools(undefined, { ...options, cacheMode: 'refresh' });
  }
  return client.getProtocolEra() === 'modern' ? client.discover(options) : client.ping(options);
}
