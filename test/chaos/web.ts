import { answerMcp } from '../support/minimal-mcp.ts';
import {
  startProgrammableAuthorizationServer,
  type ProgrammableAuthorizationServer,
} from '../support/programmable-authorization-server.ts';
import { newCanary } from './canary.ts';
import { hashOf, type OperationLog } from './operation-log.ts';

/** The outside: an authorization server and an MCP server whose one tool tells its user a secret of their own. */
export interface Web {
  readonly server: ProgrammableAuthorizationServer;
  /** What must be readable nowhere, besides what begins with {@link secretMark}. */
  readonly clientSecrets: ReadonlySet<string>;
}

/** What every secret of the authorization server begins with, so that a leak is found without knowing them all. */
export const secretMark = 'zsecretz';

/**
 * An authorization server that rotates refresh tokens and ends the family when a dead one comes.
 *
 * A refresh token is good until the access token of a successor has been used, so that an answer that was lost can be
 * asked for again; then it is dead. Whoever comes with a name has consented. Everything is written to the log.
 */
export async function startWeb(log: OperationLog): Promise<Web> {
  const clientSecrets = new Set<string>();
  const canaries = new Map<string, string>();
  const canaryOf = (subject: string): string => {
    const canary = canaries.get(subject) ?? newCanary(subject);
    canaries.set(subject, canary);
    return canary;
  };
  let issues = 0;
  const server = await startProgrammableAuthorizationServer({
    metadata: { token_endpoint_auth_methods_supported: ['none'] },
    mark: secretMark,
    spentBy: 'use',
    // Some are short-lived, and are renewed before a server refuses them.
    expiresInSeconds: () => (issues++ % 3 === 0 ? 2 : 3_600),
    decide: ({ headers }) => ({
      subject: decodeURIComponent(headers['x-person']?.toString() ?? ''),
      approves: headers['x-decision'] !== 'deny',
    }),
    serve: (call, { subject }) =>
      answerMcp(call, { name: 'chaos', tools: [{ name: 'read' }], call: () => canaryOf(subject) }),
    keepCalls: false,
  });
  const { tokens } = server;
  server.on('authorize', ({ url }) => {
    clientSecrets.add(url.searchParams.get('state') ?? '');
    return undefined;
  });
  server.on('token', ({ form }) => {
    clientSecrets.add(form.get('code_verifier') ?? '');
    const code = form.get('code') ?? '';
    const ns = tokens.codes.get(code)?.subject;
    log.say({ k: 'info', op: 'as-exchange', id: hashOf(code), ns, token: hashOf(code) });
    return undefined;
  });
  server.on('refresh', async ({ form, headers }, standard) => {
    const token = form.get('refresh_token') ?? '';
    const family = tokens.familyOf(token);
    const request = headers['x-request']?.toString();
    const isReuse = family?.revoked === false && tokens.isSpent(token);
    const reply = await standard();
    const { refresh_token: successor } = ('body' in reply ? reply.body : {}) as { refresh_token?: string };
    log.say({
      op: 'as-refresh',
      id: request ?? '',
      request,
      host: headers['x-host']?.toString(),
      ns: family?.subject,
      family: family?.id,
      token: hashOf(token),
      ...(successor === undefined
        ? { k: 'fail', code: 'invalid_grant', ...(isReuse && { isReuse }) }
        : { k: 'ok', successor: hashOf(successor) }),
    });
    return reply;
  });
  return { server, clientSecrets };
}
