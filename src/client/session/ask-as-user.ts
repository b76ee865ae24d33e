import type { Client as SdkClient, RequestOptions } from '@modelcontextprotocol/client';

/** The cheapest request that a server, as a rule, answers only to the user. */
function askAsUser(client: SdkClient, options: RequestOptions): Promise<unknown> {
  if (client.getServerCapabilities()?.tools !== undefined) {
    return client.listTools(undefined, { ...options, cacheMode: 'refresh' });
  }
  return ping(client, options);
}

/** The cheapest request that a server answers at all. */
export function ping(client: SdkClient, options: RequestOptions): Promise<unknown> {
  return client.getProtocolEra() === 'modern' ? client.discover(options) : client.ping(options);
}

/** What a server answers to something harmless, where that fails. */
export async function illnessOf(client: SdkClient, timeout: number): Promise<unknown> {
  try {
    await askAsUser(client, { timeout });
    return undefined;
  } catch (error) {
    return error ?? new Error('no reason');
  }
}
