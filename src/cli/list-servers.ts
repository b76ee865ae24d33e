import type { KeptAccount } from '../client/kept-account.ts';
import type { ServerConfig } from '../client/server-config.ts';
import type { ConditionReport } from '../client/session/session-state.ts';
import { explain } from '../core/explain.ts';
import { findPosternError } from '../core/postern-error.ts';
import { clockTime, howLong, whoseAccount } from './account-words.ts';
import { loginNeeded, openSignIns, type OwnSignIns } from './open-server.ts';
import type { Output } from './output.ts';
import { hasOwnStore } from './own-store.ts';
import type { CommandContext } from './run-command.ts';
import { serverLine } from './server-text.ts';
import { takeOverSignIns } from './take-over.ts';
import { ownServersFile, readServers } from './servers.ts';

export interface ListOptions {
  readonly check?: boolean | undefined;
  readonly timeout?: number | undefined;
}

/** One account at one server, as `postern list --json` has it. */
export interface ListedAccount {
  readonly server: string;
  readonly account: string;
  /** Where it is; a server on this machine has a command instead, which is not told: there may be secrets in it. */
  readonly url: string | null;
  /** Whether the file of servers names it. */
  readonly configured: boolean;
  /** What is kept for it, without itself. */
  readonly kept: KeptAccount | null;
  /** A link that waits for its person, in a process that still runs. */
  readonly waiting: { readonly until: string } | null;
  /** What is to be done next, in words; `null`: nothing. */
  readonly next: string | null;
  /** With `--check`: what is wrong, if anything, and who acts. */
  readonly condition?: ConditionReport;
}

/** Tells which servers there are, and how it stands with each. */
export async function listServers(options: ListOptions, context: CommandContext): Promise<void> {
  const { output } = context;
  const configured = readServers(context.options.config);
  // A list leaves nothing behind that was not there.
  if (!hasOwnStore() && options.check !== true) {
    const listed = [...configured].map(([server, config]) => describe({ server, config, configured: true }));
    return answer(listed, output);
  }
  await using signIns = await openSignIns(context, 'nobody');
  await takeOverSignIns(signIns.coordinator.storage, configured);
  const entries = await findEntries(signIns, configured);
  const listed = await Promise.all(
    entries.map((entry) => look(entry, signIns, options).catch((error: unknown) => broken(entry, error))),
  );
  answer(listed, output);
}

interface Entry {
  readonly server: string;
  readonly alias?: string;
  readonly config: ServerConfig;
  readonly configured: boolean;
}

/** The accounts at servers that are configured, or that somebody has signed in to: once each. */
async function findEntries(
  signIns: OwnSignIns,
  configured: ReadonlyMap<string, ServerConfig>,
): Promise<Entry[]> {
  const places = await signIns.places();
  const fromPlaces = places.map(({ server, alias, resource }) => {
    const config = configured.get(server);
    return { server, alias, config: config ?? { url: resource }, configured: config !== undefined };
  });
  const named = new Set(fromPlaces.map(({ server }) => server));
  const others = [...configured]
    .filter(([server]) => !named.has(server))
    .map(([server, config]) => ({ server, config, configured: true }));
  return [...fromPlaces, ...others].toSorted((a, b) => (a.server < b.server ? -1 : 1));
}

async function look(
  entry: Entry,
  signIns: OwnSignIns,
  { check, timeout }: ListOptions,
): Promise<ListedAccount> {
  const { server, alias, config } = entry;
  await using client = signIns.client({ [server]: config }, { timeoutMs: timeout });
  const session = client.session(server, { alias });
  const waiting = await session.getAuthChallenge();
  if (check !== true) return describe(entry, { kept: await session.findKept(), waiting });
  await session.connect();
  const { condition, error } = session;
  return describe(entry, { kept: await session.findKept(), waiting, condition, error });
}

interface Seen {
  readonly kept?: KeptAccount | undefined;
  readonly waiting?: { readonly expiresAtMs: number } | undefined;
  readonly condition?: ConditionReport | undefined;
  readonly error?: unknown;
}

function describe(entry: Entry, { kept, waiting, condition, error }: Seen = {}): ListedAccount {
  const { server, alias = 'default', config, configured } = entry;
  const url = 'url' in config && typeof config.url === 'string' ? config.url : null;
  return {
    server,
    account: alias,
    url,
    configured,
    kept: kept ?? null,
    waiting: waiting === undefined ? null : { until: new Date(waiting.expiresAtMs).toISOString() },
    next: nextOf(entry, { kept, condition, error }) ?? null,
    ...(condition !== undefined && { condition }),
  };
}

/** What has to be done by whoever reads the list. */
function nextOf({ server, config, alias }: Entry, { kept, condition, error }: Seen): string | undefined {
  const account = alias === undefined || alias === 'default' ? '' : ` --account ${alias}`;
  const login = `postern login ${server}${account}`;
  if (condition !== undefined) {
    if (condition.condition === 'ok') return undefined;
    if (condition.condition === 'needs-consent') return login;
    const needed = loginNeeded(error, server);
    const said =
      findPosternError(needed) === undefined ? condition.words.person : explain(needed, { for: 'person' });
    return condition.actor === 'person' ? `${said} (${login} --force)` : said;
  }
  if (kept === undefined) return 'url' in config ? `${login}, if it wants a sign-in` : undefined;
  return kept.condition === 'good' ? undefined : login;
}

/** An entry of the file that is none must not hide the others. */
function broken(entry: Entry, error: unknown): ListedAccount {
  return { ...describe(entry), next: findPosternError(error)?.message ?? explain(error, { for: 'person' }) };
}

function answer(listed: readonly ListedAccount[], output: Output): void {
  output.answer({ servers: listed }, () => {
    if (listed.length === 0) {
      return `No servers. Sign in to one by \`postern login <address>\`, or name some in ${ownServersFile()}.`;
    }
    return listed.map((one) => lines(one, output)).join('\n');
  });
}

function lines(
  { server, account, url, kept, waiting, next, condition }: ListedAccount,
  output: Output,
): string {
  const name = account === 'default' ? server : `${server} (${account})`;
  const where = url === null ? 'a program on this machine' : url;
  const state = stateOf(kept, condition);
  const parts = [
    `${output.styled(state.style, state.sign)} ${output.styled('strong', serverLine(name, 200))}  ${output.styled('quiet', serverLine(where, 300))}`,
    `  ${state.words}`,
    ...(waiting === null ? [] : [`  somebody is being asked, until ${clockTime(Date.parse(waiting.until))}`]),
    ...(next === null ? [] : [`  next: ${serverLine(next, 600)}`]),
  ];
  return parts.join('\n');
}

function stateOf(
  kept: KeptAccount | null,
  condition: ConditionReport | undefined,
): { sign: string; style: 'good' | 'bad' | 'doubtful' | 'quiet'; words: string } {
  const signedIn = kept === null ? 'nobody is signed in' : signedInWords(kept);
  if (condition !== undefined && condition.condition !== 'ok') {
    return { sign: '✗', style: 'bad', words: `${signedIn}; ${condition.condition}` };
  }
  if (kept === null) {
    return condition === undefined
      ? { sign: '·', style: 'quiet', words: signedIn }
      : { sign: '✓', style: 'good', words: 'it answers, and asks nobody to sign in' };
  }
  const isGood = kept.condition === 'good';
  return { sign: isGood ? '✓' : '!', style: isGood ? 'good' : 'doubtful', words: signedIn };
}

function signedInWords(kept: KeptAccount): string {
  const whose = whoseAccount(kept);
  const since = `since ${clockTime(kept.obtainedAtMs)}`;
  return `signed in${whose === undefined ? '' : ` as ${serverLine(whose, 100)}`} ${since}, ${howLong(kept)}`;
}
