import type { LogoutResult } from '../client/auth/auth-strategy.ts';
import type { Client } from '../client/client.ts';
import { PosternError } from '../core/postern-error.ts';
import type { AccountOptions } from './common-options.ts';
import { openSignIns, type OwnSignIns } from './open-server.ts';
import { hasOwnStore } from './own-store.ts';
import type { Output } from './output.ts';
import type { CommandContext } from './run-command.ts';
import { readServers, urlOf } from './servers.ts';

export interface LogOutOptions extends AccountOptions {
  readonly all?: boolean | undefined;
}

/** What became of one sign-in. `forgotten`: there was something to forget. */
interface SignedOut extends LogoutResult {
  readonly server: string;
  readonly account: string;
  readonly forgotten: boolean;
}

/** Forgets sign-ins, here and at their issuers. What an issuer has not confirmed is said, and no failure: it is forgotten. */
export async function logOut(
  target: string | undefined,
  { all = false, account, timeout }: LogOutOptions,
  context: CommandContext,
): Promise<void> {
  if ((target === undefined) !== all) {
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      all ? 'a server and --all exclude each other' : 'it is not said which server to sign out of',
      { hint: 'Name one server, or give --all. `postern list` shows them.' },
    );
  }
  if (target === undefined && !hasOwnStore()) return answer([], context.output);
  await using signIns = await openSignIns(context, 'nobody');
  const results: SignedOut[] = [];
  for (const { server, alias, client } of await meant(signIns, target, context, timeout)) {
    await using opened = client;
    if (account !== undefined && alias !== account) continue;
    const session = opened.session(server, { alias });
    const forgotten = (await session.findKept()) !== undefined;
    results.push({ server, account: alias, forgotten, ...(await session.logout()) });
  }
  // Of those that an earlier command could not end, or died over.
  await signIns.coordinator.interactions.finishForgetting();
  answer(results, context.output);
}

/** Each account that is meant, with a client of its server. */
async function meant(
  signIns: OwnSignIns,
  target: string | undefined,
  { options }: CommandContext,
  timeoutMs: number | undefined,
): Promise<{ server: string; alias: string; client: Client }[]> {
  const places = await signIns.places();
  if (target === undefined) {
    const servers = readServers(options.config);
    return places.map(({ server, alias, resource }) => {
      const config = servers.get(server) ?? { url: resource };
      return { server, alias, client: signIns.client({ [server]: config }, { timeoutMs }) };
    });
  }
  const { name, config } = await signIns.find(target, options.config);
  const at = 'url' in config && config.url !== undefined ? urlOf(config.url)?.href : undefined;
  const aliases = places
    .filter(({ server, resource }) => server === name && urlOf(resource)?.href === at)
    .map(({ alias }) => alias);
  // A sign-in that is under way is ended, too, also where nothing is kept yet.
  return (aliases.length === 0 ? ['default'] : aliases).map((alias) => {
    return { server: name, alias, client: signIns.client({ [name]: config }, { timeoutMs }) };
  });
}

function answer(results: readonly SignedOut[], output: Output): void {
  output.answer({ signedOut: results }, () => {
    if (results.every(({ forgotten }) => !forgotten)) return 'Nobody was signed in.';
    return results
      .filter(({ forgotten }) => forgotten)
      .map(({ server, account, revoked, reason }) => {
        const which = account === 'default' ? server : `${server} (${account})`;
        return revoked
          ? output.styled('good', `${which}: signed out, and revoked at the server.`)
          : `${which}: ${output.styled('doubtful', 'signed out here')}; ${reason ?? 'the server has confirmed nothing'}.`;
      })
      .join('\n');
  });
}
