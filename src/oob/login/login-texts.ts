import type { Interaction } from '../../interaction/interaction-required-error.ts';
import { isUnnamed, type DeletedAccount, type LoginAccount } from './login-accounts.ts';
import type { Login } from './logins.ts';

/** What a login tool calls its service and itself, in what it says. */
export interface LoginNames {
  readonly service: string;
  readonly tool: string;
}

/** A login has begun: the link, what happens next, and how to look. Markdown that reads as well where it is not rendered. */
export function beganText(
  { url, alias = '', expiresAtMs }: Interaction,
  nowMs: number,
  { service, tool }: LoginNames,
): string {
  const who = isUnnamed(alias) ? 'with the account that you want to use' : `as ${named(alias)}`;
  const where = isLoopback(url) ? ' on the computer that this runs on' : '';
  // A line of its own, as it is: some clients break what is in a list, a table or a block of code.
  return `# Log in to ${service}

1. Open this link in a browser${where}:

${url}

2. Go on there ${who}.

The link is good until ${time(expiresAtMs)} (${minutes(expiresAtMs - nowMs)}). Your password goes to that page alone, never into this conversation.

You will not hear of it here when you are done: ask for \`${tool}\` with command \`list\` to see whether it went well.`;
}

/** A login has ended while its call waited. */
export function doneText(account: LoginAccount | undefined, { service }: LoginNames): string {
  const who = account === undefined ? '' : ` as ${described(account)}`;
  return `Logged in to ${service}${who}.`;
}

export function listText(
  accounts: readonly LoginAccount[],
  logins: readonly Login[],
  names: LoginNames,
): string {
  const { service, tool } = names;
  const parts =
    accounts.length === 0
      ? [`# Nobody is logged in to ${service}`, `Call \`${tool}\` to log in.`]
      : [`# Logged in to ${service}`, accounts.map((account) => accountLine(account, tool)).join('\n')];
  if (logins.length > 0) parts.push('## Logins', logins.map(loginLine).join('\n'));
  return parts.join('\n\n');
}

export function defaultText(account: LoginAccount, { service }: LoginNames): string {
  return `${named(account.handle)} is the default account at ${service} now.`;
}

export function deletedText({ handle, was, forgotten }: DeletedAccount, { service }: LoginNames): string {
  if (was === 'login') return `The login of ${named(handle)} was called off. There was no account to forget.`;
  const gone = `${named(handle)} is logged out of ${service}, and forgotten here.`;
  switch (forgotten.revocation) {
    case 'confirmed':
      return `${gone} Its access there has ended.`;
    case 'nothing':
      return gone;
    case 'unsupported':
      return `${gone} Its access there cannot be ended from here: if it must not be good any more, do that in your settings there.`;
    case 'refused':
    case 'unconfirmed':
      return `${gone} Whether its access there has ended was not confirmed: look in your settings there.`;
  }
}

function accountLine(account: LoginAccount, tool: string): string {
  const since = `since ${day(account.obtainedAtMs)}`;
  const mark = account.isDefault ? ' *(default)*' : '';
  return `- ${described(account)}${mark}, ${since}${conditionWords(account, tool)}`;
}

function conditionWords({ condition, handle, personNeededAtMs }: LoginAccount, tool: string): string {
  switch (condition) {
    case 'good':
      return '';
    case 'expiring':
      return personNeededAtMs === undefined
        ? ', needs you again before long'
        : `, needs you again by ${day(personNeededAtMs)}`;
    case 'over':
      return `, **is no longer good**: call \`${tool}\` with handle ${named(handle)}`;
  }
}

function loginLine(login: Login): string {
  const who = login.handle === undefined ? 'without a handle' : named(login.handle);
  const { status, url, why, expiresAtMs } = login;
  switch (status) {
    case 'pending':
      return `- ${who}: waiting for you until ${time(expiresAtMs)}, at ${url ?? ''}`;
    case 'done':
      return `- ${who}: done`;
    default:
      return `- ${who}: ${status}. ${why ?? ''}`;
  }
}

/** Its name, and whose it is where that is called otherwise. */
function described({ handle, account }: LoginAccount): string {
  const name = account?.name;
  const isSame = name === undefined || name.toLowerCase() === handle.toLowerCase();
  return isSame ? named(handle) : `${named(handle)} (signed in there as ${named(name)})`;
}

/** A foreign name. Code is what every client leaves as it is, also one that does not know what a backslash means. */
function named(text: string): string {
  return `\`${oneLine(text).replaceAll('`', "'")}\``;
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 300);
}

function isLoopback(url: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}

function minutes(ms: number): string {
  const count = Math.max(1, Math.round(ms / 60_000));
  return count === 1 ? 'one minute' : `${count} minutes`;
}

function time(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 16)} UTC`;
}

function day(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
