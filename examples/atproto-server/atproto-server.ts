import { McpServer, type CallToolResult } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { Oob } from '../../src/oob/index.ts';
import {
  AtprotoApiError,
  createPost,
  getProfile,
  getTimeline,
  searchPosts,
  type Post,
} from './atproto-api.ts';
import type { AtprotoLogins } from './atproto-logins.ts';

const account = z
  .string()
  .max(253)
  .optional()
  .describe('As which of the accounts that are logged in: its handle or DID. Left out: the default account.');
const limit = z.number().int().min(1).max(50).default(10).describe('How many, at most');
const maxGraphemes = 300;

/** The server of one connection, session or request. */
export function createAtprotoServer(oob: Oob, { login, appPassword, accountFor }: AtprotoLogins): McpServer {
  const server = new McpServer({ name: 'atproto', version: '1.0.0' }, { requestState: oob.requestState });
  login.register(server);
  appPassword.register(server);

  server.registerTool(
    'profile',
    {
      description: 'The profile of somebody on the network; without an actor, of the account itself',
      inputSchema: z.object({ account, actor: z.string().max(253).optional().describe('A handle or a DID') }),
    },
    oob.tool(
      async (args, context) => {
        const { did, call } = await accountFor(context, args.account);
        return answered(async () => {
          const found = await getProfile(call, args.actor ?? did);
          const counts = [
            `${found.postsCount ?? 0} posts`,
            `${found.followersCount ?? 0} followers`,
            `${found.followsCount ?? 0} follows`,
          ];
          const name = found.displayName === undefined ? '' : ` (${found.displayName})`;
          return [`@${found.handle}${name}`, found.did, found.description ?? '', counts.join(', ')].join(
            '\n',
          );
        });
      },
      { server },
    ),
  );
  server.registerTool(
    'timeline',
    { description: 'The home timeline of an account', inputSchema: z.object({ account, limit }) },
    oob.tool(
      async (args, context) => {
        const { call } = await accountFor(context, args.account);
        return answered(async () => listed(await getTimeline(call, args.limit)));
      },
      { server },
    ),
  );
  server.registerTool(
    'search',
    {
      description: 'Posts that have the words in them',
      inputSchema: z.object({ account, query: z.string().min(1).max(200), limit }),
    },
    oob.tool(
      async (args, context) => {
        const { call } = await accountFor(context, args.account);
        return answered(async () => listed(await searchPosts(call, args.query, args.limit)));
      },
      { server },
    ),
  );
  server.registerTool(
    'post',
    {
      description: 'Publishes a post as an account',
      inputSchema: z.object({
        account,
        text: z.string().min(1).refine(fits, `at most ${maxGraphemes} characters, as people count them`),
      }),
    },
    oob.tool(
      async (args, context) => {
        const { did, call } = await accountFor(context, args.account);
        return answered(async () => `Posted: ${await createPost(call, did, args.text)}`);
      },
      { server },
    ),
  );
  return server;
}

function fits(text: string): boolean {
  return [...new Intl.Segmenter().segment(text)].length <= maxGraphemes;
}

function listed(posts: readonly Post[]): string {
  if (posts.length === 0) return 'Nothing found.';
  return posts
    .map(({ author, record, uri }) => `@${author.handle}: ${record.text ?? ''}\n${uri}`)
    .join('\n\n');
}

/** What the network refuses is an answer; what needs a person, or an operator, is thrown on. */
async function answered(work: () => Promise<string>): Promise<CallToolResult> {
  try {
    return { content: [{ type: 'text', text: await work() }] };
  } catch (error) {
    if (!(error instanceof AtprotoApiError)) throw error;
    return { isError: true, content: [{ type: 'text', text: error.message }] };
  }
}
