import { PosternError } from '../core/postern-error.ts';
import { confirmAtTerminal } from '../interaction/this-machine/terminal.ts';
import { changeSettings, readSettings, type ReadFile } from './change-file.ts';
import { exitCodes } from './exit-codes.ts';
import { bridgeEntry, isBridgeEntry, type StartedBy } from './host-entry.ts';
import { hostNames, hostOf, installedHosts, type Host, type HostName } from './hosts.ts';
import type { Output } from './output.ts';
import type { CommandContext } from './run-command.ts';
import { serverText } from './server-text.ts';
import { nameOfUrl, readServers, serverUnknown, urlOf } from './servers.ts';
import { ServersText } from './servers-text.ts';

export interface ChangeOptions {
  readonly host?: readonly HostName[] | undefined;
  readonly yes?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface AddOptions extends ChangeOptions {
  readonly name?: string | undefined;
  readonly by?: StartedBy | undefined;
  readonly replace?: boolean | undefined;
}

/** What became of one host's file. `none`: it was like that already. `declined`: whoever was asked said no. */
interface Change {
  readonly host: HostName;
  readonly file: string;
  readonly name: string;
  readonly change: 'added' | 'replaced' | 'removed' | 'none' | 'declined';
  /** `false`: only shown. */
  readonly written: boolean;
  /** Where what was there before is kept. */
  readonly backup?: string;
}

/** How long a person has to answer. */
const answerMs = 120_000;

/** Lets hosts use a server. @returns the exit code. */
export async function addToHosts(
  target: string,
  options: AddOptions,
  context: CommandContext,
): Promise<number> {
  const { config } = context.options;
  const url = urlOf(target);
  // A name that nobody has given to a server would only fail in the host, where nobody sees it.
  if (url === undefined && !readServers(config).has(target)) throw serverUnknown(target, config);
  const name = checkedName(options.name ?? (url === undefined ? target : entryName(nameOfUrl(url))));
  return changeEach(options, context, (host, servers) => {
    const entry =
      host === 'postern'
        ? { url: (url ?? wantedUrl(target, config)).href }
        : bridgeEntry(target, { by: options.by, config });
    const before = servers.entry(name);
    const isForeign = before !== undefined && host !== 'postern' && !isBridgeEntry(before);
    if (isForeign && options.replace !== true) {
      throw new PosternError(
        'ERR_POSTERN_CONFIG_MISCONFIGURED',
        `${hostOf(host).title} has another server called ${JSON.stringify(name)}`,
        { hint: 'Give another --name, or --replace that one.' },
      );
    }
    return { name, before, after: entry };
  });
}

/** Takes a server out of hosts again. @returns the exit code. */
export async function removeFromHosts(
  target: string,
  options: ChangeOptions,
  context: CommandContext,
): Promise<number> {
  const url = urlOf(target);
  const name = url === undefined ? target : entryName(nameOfUrl(url));
  return changeEach(options, context, (host, servers) => {
    const before = servers.entry(name);
    if (before !== undefined && host !== 'postern' && !isBridgeEntry(before)) {
      throw new PosternError(
        'ERR_POSTERN_CONFIG_MISCONFIGURED',
        `what ${hostOf(host).title} calls ${JSON.stringify(name)} was not added by this program`,
        { hint: `Take it out in an editor: ${hostOf(host).file}` },
      );
    }
    return { name, before, after: undefined };
  });
}

interface Wanted {
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** All files are looked at before any is changed: where one is broken, none is. */
async function changeEach(
  options: ChangeOptions,
  { output }: CommandContext,
  wantedOf: (host: HostName, servers: ServersText) => Wanted,
): Promise<number> {
  const plans = chosenHosts(options).map((name) => {
    const host = hostOf(name);
    const read = readSettings(host.file);
    const servers = new ServersText(read.text ?? '', host.file, host);
    return { name, host, read, servers, wanted: wantedOf(name, servers) };
  });
  const changes: Change[] = [];
  for (const { name, host, read, servers, wanted } of plans) {
    const change = await changeOne({ host, read, servers, wanted }, options, output);
    changes.push({ host: name, file: host.file, name: wanted.name, ...change });
  }
  output.answer({ changes }, () => changes.map((change) => describe(change)).join('\n'));
  return changes.some(({ change }) => change === 'declined') ? exitCodes.refused : exitCodes.ok;
}

async function changeOne(
  { host, read, servers, wanted }: { host: Host; read: ReadFile; servers: ServersText; wanted: Wanted },
  { yes, dryRun }: ChangeOptions,
  output: Output,
): Promise<Omit<Change, 'host' | 'file' | 'name'>> {
  const { name, before, after } = wanted;
  if (isSame(before, after)) return { change: 'none', written: false };
  const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'replaced';
  output.say(difference(read.path, wanted, output));
  if (dryRun === true) return { change, written: false };
  if (yes !== true) {
    if (!output.isTerminal || !process.stdin.isTTY) {
      throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', 'nobody is at a terminal to be asked', {
        hint: 'Give --yes to have it written, or --dry-run to see it only.',
      });
    }
    const question = `Write this to the file of ${host.title}?`;
    const agreed = await confirmAtTerminal(question, { close: async () => {}, timeoutMs: answerMs });
    if (!agreed) return { change: 'declined', written: false };
  }
  const backup = changeSettings(read, servers.with(name, after));
  return { change, written: true, ...(backup !== undefined && { backup }) };
}

function chosenHosts({ host }: ChangeOptions): readonly HostName[] {
  const chosen = host ?? installedHosts();
  if (chosen.length > 0) return hostNames.filter((name) => chosen.includes(name));
  throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', 'none of the desktop hosts was found', {
    hint: `Name one by --host: ${hostNames.join(', ')}. Its file is made where it is missing.`,
  });
}

/** The one entry that changes, and no other: there are secrets in such files. */
function difference(file: string, { name, before, after }: Wanted, output: Output): string {
  const entry = (sign: '+' | '-', value: unknown): string[] =>
    value === undefined
      ? []
      : `${JSON.stringify(name)}: ${JSON.stringify(value, undefined, 2)}`
          .split('\n')
          .map((line) => output.styledTalk(sign === '+' ? 'good' : 'bad', `${sign}   ${serverText(line)}`));
  return [
    output.styledTalk('strong', file),
    '  "mcpServers":',
    ...entry('-', isBridgeEntry(before) ? before : masked(before)),
    ...entry('+', after),
  ].join('\n');
}

/** What somebody else has written, without what may be secret in it. */
function masked(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value === undefined ? undefined : '…';
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, name === 'command' ? each : '…'] as const),
  );
}

function describe({ host, name, change, written, backup }: Change): string {
  const { title, afterwards } = hostOf(host);
  if (change === 'declined') return `${title}: left as it is.`;
  if (change === 'none') return `${title}: nothing to change.`;
  if (!written) return `${title}: ${JSON.stringify(name)} would be ${change}.`;
  const kept = backup === undefined ? '' : ` What was there before: ${backup}.`;
  return `${title}: ${JSON.stringify(name)} was ${change}. ${afterwards}${kept}`;
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Hosts put such a name before the names of tools, which may hold no dots. */
function entryName(name: string): string {
  return name.replaceAll(/[^\w-]+/gu, '-').replaceAll(/^-+|-+$/gu, '');
}

function checkedName(name: string): string {
  if (/^[\w-]{1,60}$/u.test(name) && name !== '__proto__') return name;
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `hosts cannot call a server ${JSON.stringify(name)}`,
    {
      hint: 'Give a --name of letters, digits, "-" and "_", 60 at most.',
    },
  );
}

function wantedUrl(target: string, config: string | undefined): URL {
  const found = readServers(config).get(target);
  const url = found !== undefined && 'url' in found && found.url !== undefined ? urlOf(found.url) : undefined;
  if (url === undefined) throw serverUnknown(target, config);
  return url;
}
