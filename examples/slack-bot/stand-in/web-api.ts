import type { Workspace } from './workspace.ts';

type Params = Readonly<Record<string, string | undefined>>;
type Reply = Readonly<Record<string, unknown>>;

/** A call of Slack's Web API, as it came. */
export interface ApiCall {
  readonly method: string;
  readonly params: Params;
}

/** Slack's Web API, as far as bots that answer need it: every reply has status 200, and says `ok: false` when it failed. */
export class WebApi {
  readonly calls: ApiCall[] = [];
  /** Errors to answer with, by method, before anything is done: each once. */
  readonly failures: Map<string, string[]> = new Map();
  readonly #workspace: Workspace;
  readonly #botToken: string;

  constructor(workspace: Workspace, botToken: string) {
    this.#workspace = workspace;
    this.#botToken = botToken;
  }

  async answer(request: Request): Promise<Response> {
    const method = new URL(request.url).pathname.replace(/^\/api\//u, '');
    const params = await readParams(request);
    const token = params['token'] ?? request.headers.get('authorization')?.replace(/^Bearer /u, '');
    if (token !== this.#botToken) return Response.json({ ok: false, error: 'invalid_auth' });
    this.calls.push({ method, params });
    const error = this.failures.get(method)?.shift();
    if (error !== undefined) return Response.json({ ok: false, error });
    const reply = this.#call(method, params);
    return Response.json('error' in reply ? { ok: false, ...reply } : { ok: true, ...reply });
  }

  #call(method: string, params: Params): Reply {
    const { team, bot } = this.#workspace;
    switch (method) {
      case 'auth.test':
        return { team_id: team, team: 'Planners', user_id: bot.user, user: bot.name, bot_id: bot.id };
      case 'chat.postMessage':
        return this.#post(params);
      case 'chat.postEphemeral':
        return this.#whisper(params);
      case 'chat.update':
        return this.#update(params);
      case 'conversations.open':
        return this.#open(params);
      case 'conversations.replies':
        return this.#replies(params);
      case 'views.publish':
        this.#workspace.home.set(params['user_id'] ?? '', jsonIn(params['view']));
        return { view: {} };
      default:
        return { error: 'unknown_method' };
    }
  }

  #post(params: Params): Reply {
    const { channel = '', thread_ts: threadTs } = params;
    const known = this.#workspace.channels.get(channel);
    if (known === undefined) return { error: 'channel_not_found' };
    if (!known.members.has(this.#workspace.bot.user)) return { error: 'not_in_channel' };
    if (isEmpty(params)) return { error: 'no_text' };
    const message = this.#workspace.add({
      ...contentOf(params),
      channel,
      threadTs,
      user: this.#workspace.bot.user,
      isBot: true,
      metadata: jsonIn(params['metadata']),
    });
    return { channel, ts: message.ts };
  }

  #whisper(params: Params): Reply {
    const { channel = '', user = '', thread_ts: threadTs } = params;
    const known = this.#workspace.channels.get(channel);
    if (known === undefined || !known.members.has(this.#workspace.bot.user))
      return { error: 'channel_not_found' };
    if (!known.members.has(user)) return { error: 'user_not_in_channel' };
    if (isEmpty(params)) return { error: 'no_text' };
    const content = contentOf(params);
    const { bot } = this.#workspace;
    const message = this.#workspace.add({
      ...content,
      channel,
      threadTs,
      user: bot.user,
      isBot: true,
      onlyFor: user,
    });
    return { message_ts: message.ts };
  }

  #update(params: Params): Reply {
    const { channel = '', ts = '' } = params;
    const isThere = this.#workspace.change(channel, ts, contentOf(params));
    return isThere ? { channel, ts } : { error: 'message_not_found' };
  }

  #open({ users = '' }: Params): Reply {
    if (!this.#workspace.people.has(users)) return { error: 'user_not_found' };
    return { channel: { id: this.#workspace.openDirect(users).id } };
  }

  #replies({ channel = '', ts = '', include_all_metadata: withMetadata }: Params): Reply {
    const thread = this.#workspace.thread(channel, ts);
    if (thread.length === 0) return { error: 'thread_not_found' };
    return {
      messages: thread.map(({ ts: at, user, text, metadata }) => ({
        ts: at,
        user,
        text,
        ...(withMetadata === 'true' && metadata !== undefined && { metadata }),
      })),
      has_more: false,
    };
  }
}

/** Slack's clients send forms, in which what is not a text is JSON. */
async function readParams(request: Request): Promise<Params> {
  const text = await request.text();
  if (request.headers.get('content-type')?.includes('json') === true) return JSON.parse(text) as Params;
  return Object.fromEntries(new URLSearchParams(text));
}

function contentOf({ text = '', blocks }: Params): { text: string; blocks?: unknown } {
  return { text, ...(blocks !== undefined && { blocks: jsonIn(blocks) }) };
}

function isEmpty({ text, blocks }: Params): boolean {
  return (text === undefined || text === '') && blocks === undefined;
}

function jsonIn(text: string | undefined): unknown {
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}
