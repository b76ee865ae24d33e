import { getProxyForUrl } from 'proxy-from-env';
import { defaultAlias, placeAlias } from '../client/account-alias.ts';
import { readClient } from '../client/auth/client-config.ts';
import { readSecret } from '../client/auth/secret-source.ts';
import type { HttpServerConfig, OAuthConfig, ServerConfig } from '../client/server-config.ts';
import {
  examine,
  printCheck,
  printConclusion,
  printFindings,
  probeTls,
  type CheckReport,
  type DoctorReport,
  type EarlierSignIn,
} from '../doctor/index.ts';
import { exitCodes } from './exit-codes.ts';
import { headersOf, type HeaderOptions } from './header-options.ts';
import { misuse } from './misuse.ts';
import { oauthOf, type OAuthOptions } from './oauth-options.ts';
import { openSignIns } from './open-server.ts';
import { ownContext } from './own-context.ts';
import { hasOwnStore } from './own-store.ts';
import type { CommandContext } from './run-command.ts';
import { findServer } from './servers.ts';

export interface ExamineServerOptions extends OAuthOptions, HeaderOptions {
  readonly account?: string | undefined;
  readonly register?: boolean | undefined;
  readonly clientMetadataUrl?: string | undefined;
  readonly redirectUri?: string | undefined;
  readonly quiet?: boolean | undefined;
}

/** Examines a server, and tells what was found as it is. Returns the exit code. */
export async function examineServer(
  target: string,
  options: ExamineServerOptions,
  context: CommandContext,
): Promise<number> {
  const { output } = context;
  const { config, earlier } = await findEarlier(target, options, context);
  if (!('url' in config) || typeof config.url !== 'string' || 'connect' in config) {
    throw misuse(
      `${JSON.stringify(target)} is not reached over HTTP`,
      'A server on stdio takes its credentials from its environment: there is nothing to sign in to.',
    );
  }
  const auth = authOf(config, options);
  const styled = output.styled.bind(output);
  // In words every step is told as it ends: the whole may take a while.
  const onCheck = (check: CheckReport): void => {
    if (!output.json && options.quiet !== true) process.stdout.write(`${printCheck(check, { styled })}\n`);
  };
  const leave = new AbortController();
  process.once('SIGINT', () => leave.abort());
  let report: DoctorReport;
  try {
    report = await examine(config.url, {
      auth,
      client: auth.client && (await readClient(auth.client)),
      clientMetadataUrl: options.clientMetadataUrl,
      redirectUri: options.redirectUri,
      headers: { ...config.headers, ...(await keyHeaderOf(config)), ...headersOf(options) },
      earlier,
      register: options.register,
      probeTls,
      proxyFor: (url) => getProxyForUrl(url.href) || undefined,
      signal: leave.signal,
      onCheck,
    });
  } catch (error) {
    if (leave.signal.aborted) return exitCodes.interrupted;
    throw error;
  }
  output.answer(report, () =>
    [
      options.quiet === true ? printFindings(report, { styled }) : '',
      printConclusion(report, { styled }),
    ].join('\n'),
  );
  return exitCodeFor(report);
}

function exitCodeFor({ reached, verdict }: DoctorReport): number {
  if (!reached) return exitCodes.unreachable;
  return { ok: exitCodes.ok, note: exitCodes.ok, warning: exitCodes.warnings, problem: exitCodes.problems }[
    verdict
  ];
}

/** What is stored of the server that is meant, where anything is. Makes no store where there is none. */
async function findEarlier(
  target: string,
  { account = defaultAlias }: ExamineServerOptions,
  context: CommandContext,
): Promise<{ readonly config: ServerConfig; readonly earlier?: EarlierSignIn }> {
  if (!hasOwnStore()) return findServer(target, { config: context.options.config });
  await using signIns = await openSignIns(context, 'nobody');
  const { name, config } = await signIns.find(target, context.options.config);
  if (!('url' in config) || typeof config.url !== 'string') return { config };
  const { coordinator } = signIns;
  const { namespace } = coordinator.createContext(ownContext);
  const place = { namespace, resource: config.url, alias: placeAlias(name, account) };
  const held = await coordinator.interactions.credentials.peek(place, coordinator.grantKind());
  return { config, ...(held && { earlier: { grant: held.credential } }) };
}

/** As the file of servers says, with what the command line says laid over it. */
function authOf(config: ServerConfig, options: ExamineServerOptions): OAuthConfig {
  const configured =
    'auth' in config && typeof config.auth === 'object' && config.auth.type === 'oauth'
      ? config.auth
      : undefined;
  return { type: 'oauth', ...configured, ...oauthOf(options) };
}

/** The key that the file of servers configures, in its header. */
async function keyHeaderOf({ auth }: HttpServerConfig): Promise<Record<string, string>> {
  if (typeof auth !== 'object' || auth.type !== 'api_key' || auth.key === undefined) return {};
  return { [auth.headerName ?? 'X-API-Key']: await readSecret(auth.key, 'an API key') };
}
