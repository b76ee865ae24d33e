import type { types } from '@slack/bolt';
import { slackText } from '../../src/agents/index.ts';
import type { Client, ClientManager } from '../../src/client/index.ts';

/** What a person says to see to their connections, and not to ask the assistant. */
export type Command =
  | { readonly do: 'list' }
  | { readonly do: 'connect'; readonly service: string }
  | { readonly do: 'disconnect'; readonly service: string | undefined };

/** `connections`, `connect calendar`, `disconnect calendar`, and `disconnect` or `log out` for all of them. */
export function commandIn(text: string): Command | undefined {
  const [, word = '', service] =
    /^(connections|connect|disconnect|log ?out)(?:\s+([\w.-]+))?[.!]?$/iu.exec(text.trim()) ?? [];
  switch (word.toLowerCase()) {
    case 'connections':
      return { do: 'list' };
    case 'connect':
      return service === undefined ? undefined : { do: 'connect', service };
    case 'disconnect':
    case 'logout':
    case 'log out':
      return { do: 'disconnect', service };
    default:
      return undefined;
  }
}

/** What a person has connected, a line for each service. */
export async function listConnections(client: Client): Promise<string[]> {
  return Promise.all(
    client.servers.map(async (service) => {
      const kept = await client.session(service).findKept();
      if (kept === undefined) return `${service}: not connected`;
      const as = kept.account === undefined ? '' : ` as ${kept.account.name}`;
      return kept.condition === 'over'
        ? `${service}: has to be connected again`
        : `${service}: connected${as}`;
    }),
  );
}

/** Forgets what a person has connected, here and at the service. */
export async function disconnect(client: Client, service: string | undefined): Promise<string> {
  if (service !== undefined && !client.servers.includes(service)) return `There is no service “${service}”.`;
  const ended = await client.logout(service === undefined ? {} : { server: service });
  const lines = Object.entries(ended).map(([server, { revoked, reason }]) =>
    revoked || reason === undefined ? `${server}: disconnected` : `${server}: disconnected; ${reason}`,
  );
  return lines.join('\n');
}

/** The home tab of the bot: what is connected, for its person alone, and where to change it. */
export async function homeView(manager: ClientManager, person: string): Promise<types.HomeView> {
  const lines = await listConnections(await manager.getClient(person));
  const { inboxUrl } = manager;
  const text = `*Your connections*\n${lines.map((line) => `• ${slackText(line)}`).join('\n')}`;
  const link =
    inboxUrl === undefined ? '' : `\n\n<${slackText(inboxUrl)}|Connect, disconnect, and what waits for you>`;
  return {
    type: 'home',
    blocks: [{ type: 'section', text: { type: 'mrkdwn', text: `${text}${link}`, verbatim: true } }],
  };
}
