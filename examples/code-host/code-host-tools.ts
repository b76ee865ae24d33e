import { McpServer, type CallToolResult } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { FormValues, NamedFlow, OAuthCredential, Oob, ToolContext } from '../../src/oob/index.ts';
import { CodeHostError, type CodeHostApi, type CodeHostRefusal } from './code-host-api.ts';

export interface CodeHostToolsOptions {
  readonly oob: Oob;
  readonly api: CodeHostApi;
  readonly flows: { readonly device: NamedFlow<OAuthCredential>; readonly token: NamedFlow<FormValues> };
}

const account = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/u)
  .default('personal')
  .describe('Which of your accounts: work, personal, or a name of your own');
const signInWith = z
  .enum(['device', 'token'])
  .default('device')
  .describe(
    'How to sign in, if this account is not signed in yet: with a code, or with a token pasted into a page',
  );
const common = z.object({ account, sign_in_with: signInWith });
type Common = z.infer<typeof common>;

/** The server of one request or session. */
export function createCodeHostServer(options: CodeHostToolsOptions): McpServer {
  const { oob, api } = options;
  const server = new McpServer({ name: 'code-host', version: '1.0.0' }, { requestState: oob.requestState });

  server.registerTool(
    'whoami',
    { description: 'The login of an account at the code host', inputSchema: common },
    oob.tool(
      (args, context) =>
        withToken(options, args, context, async (token) => text(await api.whoami(token, context.signal))),
      { server },
    ),
  );
  server.registerTool(
    'list_repositories',
    { description: 'The repositories that an account can see', inputSchema: common },
    oob.tool(
      (args, context) =>
        withToken(options, args, context, async (token) => {
          const { names, partial } = await api.listRepositories(token, context.signal);
          const note = partial ? [`Some may be hidden until single sign-on is done at ${api.host}.`] : [];
          return text([...names, ...note].join('\n'));
        }),
      { server },
    ),
  );
  server.registerTool(
    'open_issue',
    {
      description: 'Opens an issue in a repository, as an account',
      inputSchema: common.extend({
        repository: z.string().regex(/^[\w.-]{1,100}\/[\w.-]{1,100}$/u),
        title: z.string().min(1).max(256),
      }),
    },
    oob.tool(
      ({ repository, title, ...args }, context) =>
        withToken(options, args, context, async (token) => {
          const number = await api.openIssue(token, { repository, title }, context.signal);
          return text(`Opened ${repository}#${number}`);
        }),
      { server },
    ),
  );
  return server;
}

/** Calls the service with the account's token, and asks the person anew when the service refuses it. */
async function withToken(
  options: CodeHostToolsOptions,
  args: Common,
  context: ToolContext,
  work: (token: string) => Promise<CallToolResult>,
): Promise<CallToolResult> {
  try {
    const { token, reject } = await signIn(options, args, context);
    try {
      return await work(token);
    } catch (error) {
      if (!(error instanceof CodeHostError) || error.refusal.reason !== 'token-refused') throw error;
      // It was revoked at the service. Another one is asked for, or is there already.
      await reject();
      return await work((await signIn(options, args, context)).token);
    }
  } catch (error) {
    if (!(error instanceof CodeHostError)) throw error;
    return refused(error.refusal, args, options.api.host);
  }
}

async function signIn(
  { oob, api, flows }: CodeHostToolsOptions,
  { account: alias, sign_in_with: chosen }: Common,
  { credential, principal }: ToolContext,
): Promise<{ token: string; reject: () => Promise<void> }> {
  // How an account was signed in stays as it is; the choice is for one that is not.
  const place = { resource: api.host, alias };
  const pasted = await oob.credentials.find(principal, { ...place, flow: flows.token });
  const device = await oob.credentials.find(principal, { ...place, flow: flows.device });
  const kept = pasted === undefined ? device && flows.device.name : flows.token.name;
  const flow = kept ?? flows[chosen].name;
  if (flow === flows.token.name) {
    const request = { resource: api.host, alias, flow: flows.token };
    const values = await credential(request);
    return {
      token: String(values['token']),
      reject: () => oob.credentials.reject(principal, request, values),
    };
  }
  const request = { resource: api.host, alias, flow: flows.device };
  const grant = await credential(request);
  return { token: grant.accessToken, reject: () => oob.credentials.reject(principal, request, grant) };
}

function refused(refusal: CodeHostRefusal, { account: alias }: Common, host: string): CallToolResult {
  switch (refusal.reason) {
    case 'sso-required':
      return {
        ...text(
          `The organisation wants single sign-on for the account "${alias}". Its person does that at ${refusal.ssoHost}, in the settings of their tokens; then call again.`,
        ),
        isError: true,
        structuredContent: { error: { reason: refusal.reason, host: refusal.ssoHost } },
      };
    case 'not-found':
      return { ...text(`The account "${alias}" can see no such thing at ${host}.`), isError: true };
    case 'invalid':
      return { ...text(`${host} does not accept what was sent.`), isError: true };
    case 'token-refused':
    case 'unavailable':
      return { ...text(`${host} does not answer just now. Try again in a moment.`), isError: true };
  }
}

function text(value: string): CallToolResult {
  return { content: [{ type: 'text', text: value }] };
}
