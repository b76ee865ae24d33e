import { createInterface } from 'node:readline';
import type { SignInLink } from '../client/coordinators/sign-in-link.ts';
import { noticeOf } from '../client/coordinators/terminal-notice.ts';
import type { ServerConfig } from '../client/server-config.ts';
import { findPosternError, PosternError } from '../core/postern-error.ts';
import { clockTime, whoseAccount } from './account-words.ts';
import type { AccountOptions } from './common-options.ts';
import { oauthOf, type OAuthOptions } from './oauth-options.ts';
import { openServer, type Asking, type OpenedServer } from './open-server.ts';
import type { CommandContext } from './run-command.ts';
import { serverLine } from './server-text.ts';

export interface LogInOptions extends AccountOptions, OAuthOptions {
  readonly hint?: string | undefined;
  readonly force?: boolean | undefined;
  readonly browser: boolean;
  readonly device?: boolean | undefined;
  readonly paste?: boolean | undefined;
}

/** Has a person sign in to a server, and waits until they are done. */
export async function logIn(target: string, options: LogInOptions, context: CommandContext): Promise<void> {
  const { output } = context;
  let opened: OpenedServer | undefined;
  const onLink = (link: SignInLink): void => {
    output.say(noticeOf({ ...link, opens: false }));
    if (opened !== undefined) void takePasted(opened, link, (line) => output.say(line));
  };
  const asking: Asking = {
    autoOpenBrowser: options.browser && options.paste !== true,
    signInBy: options.device === true ? 'device' : options.paste === true ? 'redirect' : 'auto',
    ...(options.paste === true && { onLink }),
  };
  opened = await openServer(target, context, asking, {
    account: options.account,
    timeoutMs: options.timeout,
    hint: options.hint,
    auth: (config) => withAuth(config, options),
  });
  await using server = opened;
  const { session } = server;
  const before = await session.findKept();
  if (options.force === true && before !== undefined) {
    const { revoked, reason } = await session.logout();
    output.say(revoked ? 'Signed out.' : `Signed out here: ${reason ?? 'the server has not confirmed it'}.`);
  }
  // Whoever types this wants to be asked, whatever they said a moment ago.
  await session.askAgain().catch(() => {});
  await session.connect({ force: options.force });
  if (!session.isOperational) throw session.error ?? notConnected(server.server.name);
  const kept = await session.findKept();
  const { name, config } = server.server;
  const url = 'url' in config ? config.url : undefined;
  const asked = kept !== undefined && kept.obtainedAtMs !== before?.obtainedAtMs;
  output.answer({ server: name, url, account: session.alias, isNew: asked, kept: kept ?? null }, () => {
    if (kept === undefined) return `${name} asks nobody to sign in.`;
    const whose = whoseAccount(kept);
    const as = whose === undefined ? '' : ` as ${serverLine(whose, 100)}`;
    const until = kept.personNeededAtMs === undefined ? '' : `, until ${clockTime(kept.personNeededAtMs)}`;
    return output.styled('good', `${asked ? 'Signed in' : 'Already signed in'} to ${name}${as}${until}.`);
  });
}

/** Reads lines until the sign-in has ended; also where nobody sits at a terminal. */
async function takePasted(
  { client }: OpenedServer,
  { pendingId }: SignInLink,
  say: (line: string) => void,
): Promise<void> {
  const { coordinator } = client;
  const there = await coordinator.authorizationUrl({ pendingId }).catch(() => undefined);
  if (there === undefined) return;
  say(`Open this where your browser is, and paste the address that it ends at:\n${there}`);
  const lines = createInterface({ input: process.stdin, terminal: false });
  for await (const line of lines) {
    if (line.trim() === '') continue;
    try {
      await coordinator.complete(line.trim());
      break;
    } catch (error) {
      say(`That did not work. ${findPosternError(error)?.hint ?? 'Paste the whole address.'}`);
    }
  }
  lines.close();
  process.stdin.unref?.();
}

/** What is said here goes before what the file of servers says. */
function withAuth(config: ServerConfig, options: LogInOptions): ServerConfig {
  const given = oauthOf(options);
  if (given === undefined || !('url' in config) || typeof config.auth === 'function') return config;
  const before = config.auth?.type === 'oauth' ? config.auth : undefined;
  return { ...config, auth: { ...before, ...given } };
}

function notConnected(name: string): PosternError {
  return new PosternError('ERR_POSTERN_CLIENT_NOT_CONNECTED', `${JSON.stringify(name)} is not connected`);
}
