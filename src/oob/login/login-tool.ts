import type { CallToolResult, McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { PosternError } from '../../core/postern-error.ts';
import type { InteractionData } from '../../interaction/flow.ts';
import type { Pending } from '../../pending/pending.ts';
import { toolAnswers, type CallAnswers } from '../call-answers.ts';
import { showsLinks } from '../call-client.ts';
import { answerCall, type CallServices } from '../call.ts';
import type { CallContext } from '../handler-run.ts';
import { defaultAlias } from '../credential-request.ts';
import { callServicesOf, type Oob } from '../oob.ts';
import type { Principal } from '../principal.ts';
import { LoginAccounts } from './login-accounts.ts';
import { loginCommands, readCommand } from './login-command.ts';
import { contentOfAccount, contentOfInteraction, contentOfLogin } from './login-content.ts';
import { beganText, defaultText, deletedText, doneText, listText, type LoginNames } from './login-texts.ts';
import type { LoginToolOptions } from './login-tool-options.ts';
import { listLogins, loginOf, type Login } from './logins.ts';

/** What a login tool is called with. */
export interface LoginArguments {
  readonly command?: string | undefined;
  readonly handle?: string | undefined;
}

/**
 * One tool, `login`, by which people log in to a service, without any call that waits for them.
 *
 * Its `command` is `login` (which it is when none is given), `list`, `default` or `delete`; `handle` says which account. A
 * login is answered as soon as its link can be followed, with words for the person, and ends in the background: what became
 * of it is in `list`, in the log, and with whoever waits for the credential. A client that shows links by itself is sent
 * the link instead, and its call waits for a while. No browser is opened, and nothing printed.
 */
export class LoginTool<C = unknown> {
  /** The accounts that there are, for other tools of the server, and for pages of its own. */
  readonly accounts: LoginAccounts<C>;
  readonly #oob: Oob;
  readonly #services: CallServices;
  readonly #options: LoginToolOptions<C>;
  readonly #names: LoginNames;
  #resumed = false;

  /** Use {@link loginTool}. */
  constructor(oob: Oob, options: LoginToolOptions<C>) {
    this.#oob = oob;
    this.#services = callServicesOf(oob);
    this.#options = options;
    this.#names = { service: options.service ?? options.resource, tool: options.name ?? 'login' };
    this.accounts = new LoginAccounts(this.#services, options);
    oob.interactions.onEnd((ended) => this.#logEnd(ended));
  }

  /** Adds the tool to a server. A server that is made for each request or session gets it each time. */
  register(server: McpServer): void {
    this.#resume();
    const { service, tool } = this.#names;
    const { description, handleDescription, waitMs, sessionWaitMs } = this.#options;
    const inputSchema = z.object({
      command: z
        .string()
        .optional()
        .describe(
          '"login" (the default): a link for the person to log in with. "list": who is logged in, and how logins went. "default": makes an account the default. "delete": logs an account out.',
        ),
      handle: z
        .string()
        .optional()
        .describe(
          handleDescription ??
            'Which account, as its service calls it. Left out in a login, the person chooses in the browser. Never a password.',
        ),
    });
    const callback = async (args: LoginArguments, mcp: CallContext['mcp']) =>
      answerCall<CallToolResult>(
        this.#services,
        {
          mcp,
          args,
          method: 'tools/call',
          handler: (context) => this.#answer(args, context),
          answers: this.#answers,
        },
        { name: tool, server, waitMs, sessionWaitMs },
      );
    server.registerTool(
      tool,
      {
        title: `Log in to ${service}`,
        description:
          description ??
          `Logs the person in to ${service}, and shows or changes which of their accounts are logged in. A login answers at once with a link: show it to the person as it is, and do not wait. Takes no password.`,
        inputSchema,
      },
      callback,
    );
  }

  /** How the logins of a principal went, or go, the newest first: the last one of each account, until a day after its time. */
  async logins(principal: Principal): Promise<Login[]> {
    return listLogins(this.#oob.interactions, principal, this.#options.resource);
  }

  get #answers(): CallAnswers<CallToolResult> {
    return {
      linkToAny: true,
      link: async (interactions) => {
        const [interaction] = interactions;
        if (interaction === undefined) throw new TypeError('a login without a link');
        const now = await this.#oob.interactions.surroundings.now();
        const pending = contentOfInteraction(interaction);
        return said(beganText(interaction, now, this.#names), { pending });
      },
      failure: toolAnswers.failure,
    };
  }

  async #answer({ command: given, handle }: LoginArguments, context: CallContext): Promise<CallToolResult> {
    const command = readCommand(given);
    const { principal } = context;
    switch (command) {
      case undefined:
        throw unknownCommand();
      case 'login':
        return this.#login(handle, context);
      case 'list':
        return this.#list(principal);
      case 'default': {
        const account = await this.accounts.setDefault(principal, handle);
        return said(defaultText(account, this.#names), { account: contentOfAccount(account) });
      }
      case 'delete': {
        const deleted = await this.accounts.delete(principal, handle);
        const { revocation } = deleted.forgotten;
        return said(deletedText(deleted, this.#names), {
          deleted: { handle: deleted.handle, was: deleted.was, revocation },
        });
      }
    }
  }

  async #login(handle: string | undefined, context: CallContext): Promise<CallToolResult> {
    const { principal, mcp, anew, finished } = context;
    const { resource } = this.#options;
    const done = finished.find((place) => place.resource === resource);
    if (done === undefined) {
      const request = await this.accounts.loginRequest(principal, handle);
      await this.#withdrawOtherWay(principal, request.alias);
      // Words nag nobody: whoever asks for them has changed their mind. A client that asks its person by itself waits a while.
      if (!(await showsLinks(mcp))) await this.#oob.credentials.askAgain(principal, resource, request.alias);
      await anew(request);
    }
    const accounts = await this.accounts.list(principal);
    const account = accounts.find(({ alias }) => alias === done?.alias);
    return said(doneText(account, this.#names), {
      login: { status: 'done' },
      ...(account && { account: contentOfAccount(account) }),
    });
  }

  /** Whoever asks for this way in has changed their mind about another one, whose link would be theirs otherwise. */
  async #withdrawOtherWay({ namespace }: Principal, alias: string = defaultAlias): Promise<void> {
    const { resource, flow } = this.#options;
    const { interactions } = this.#oob;
    const live = await interactions.findLive({ namespace, resource, alias });
    if (live?.data !== undefined && live.data.flow !== flow.name) await interactions.withdraw(live);
  }

  async #list(principal: Principal): Promise<CallToolResult> {
    const [accounts, all] = await Promise.all([this.accounts.list(principal), this.logins(principal)]);
    const isKept = this.#options.flow.flow.credential.keeps !== false;
    const aliases = new Set(accounts.map(({ alias }) => alias));
    // Of an account that was deleted since, its login is no news.
    const logins = all.filter(({ status, alias }) => status !== 'done' || !isKept || aliases.has(alias));
    return said(listText(accounts, logins, this.#names), {
      accounts: accounts.map(contentOfAccount),
      logins: logins.map(contentOfLogin),
    });
  }

  #logEnd(ended: Pending<InteractionData>): void {
    const { resource, flow } = this.#options;
    if (ended.resource !== resource || ended.data?.flow !== flow.name) return;
    const { status, alias, code } = loginOf({ ...ended, data: undefined });
    const { logger } = this.#oob.interactions.surroundings;
    const level = status === 'failed' ? 'warn' : 'info';
    logger[level]('a login has ended', { namespace: ended.namespace.id, resource, alias, status, code });
  }

  /** A process that has just started sees to what its person was asked for before, where it has one person. */
  #resume(): void {
    if (this.#resumed) return;
    this.#resumed = true;
    const resume = async (): Promise<void> => void (await this.logins(await this.#oob.principal({})));
    // Where a caller has to say who it is, each call sees to its own.
    resume().catch(() => {});
  }
}

/**
 * A tool by which people log in to a service: see {@link LoginTool}.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the flow is not one of this `Oob`.
 *
 * @example
 * ```ts
 * const login = loginTool(oob, { resource: 'photos.example', flow: photos });
 * login.register(server);
 * server.registerTool('albums', { inputSchema }, oob.tool(async ({ account }, { credential, principal }) => {
 *   const { accessToken } = await credential(await login.accounts.request(principal, account));
 *   return albums(accessToken);
 * }));
 * ```
 */
export function loginTool<C>(oob: Oob, options: LoginToolOptions<C>): LoginTool<C> {
  const { name, flow } = options.flow;
  if (oob.interactions.flowNamed(name) !== flow) {
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      `the flow ${JSON.stringify(name)} is not one of this Oob`,
      { hint: 'Pass what oob.flow(name, flow) returns.' },
    );
  }
  return new LoginTool(oob, options);
}

function said(text: string, structuredContent: Record<string, unknown>): CallToolResult {
  return { isError: false, content: [{ type: 'text', text }], structuredContent };
}

function unknownCommand(): PosternError {
  return new PosternError('ERR_POSTERN_OOB_LOGIN_INVALID', 'no such command of a login tool', {
    hint: `The commands are ${loginCommands.map((command) => JSON.stringify(command)).join(', ')}.`,
  });
}
