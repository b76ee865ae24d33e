import { describe, expect, test } from 'vitest';
import { inSlack, slackText, type SignInRequest, type SlackPlace } from '../../src/agents/index.ts';

const link = 'https://bot.example/postern/connect/x?a=1&b=2';
const request: SignInRequest = {
  contextId: 'alice',
  metadata: { channel: 'C1', user: 'U1', thread: '1.2' },
  runId: 'r',
  service: 'calendar',
  reason: 'see <https://evil.example|here>,\n & <!channel>',
  challenge: {
    url: link,
    pendingId: 'x',
    server: 'calendar',
    alias: 'default',
    expiresAtMs: 1,
  } as SignInRequest['challenge'],
};
const placeOf = ({ metadata }: SignInRequest): SlackPlace => metadata as SlackPlace;

/** What Slack was asked to do, in order; it refuses the methods that are named. */
function openSlack(refused: Readonly<Record<string, string>> = {}) {
  const calls: { method: string; message: Record<string, unknown> }[] = [];
  const call = async (method: string, message: object): Promise<object> => {
    calls.push({ method, message: { ...message } });
    const error = refused[method];
    if (error === undefined) return { channel: { id: 'D1' } };
    throw Object.assign(new Error(`An API error occurred: ${error}`), { data: { ok: false, error } });
  };
  const client = {
    chat: {
      postEphemeral: (message: object) => call('postEphemeral', message),
      postMessage: (message: object) => call('postMessage', message),
    },
    conversations: { open: (who: object) => call('open', who) },
  };
  return { calls, client, methods: () => calls.map(({ method }) => method) };
}

describe('a link in Slack', () => {
  test('goes to one person, in a thread that has a reply already: Slack shows it in no other', async () => {
    const { calls, client, methods } = openSlack();
    expect(await inSlack({ client, placeOf })(request)).toBeUndefined();
    expect(methods()).toEqual(['postMessage', 'postEphemeral']);
    expect(calls.map(({ message }) => message)).toMatchObject([
      { channel: 'C1', thread_ts: '1.2' },
      { channel: 'C1', user: 'U1', thread_ts: '1.2' },
    ]);
    expect(JSON.stringify(calls[0])).toContain('<@U1> To go on, I need you to sign in to calendar.');
    expect(JSON.stringify(calls[0])).not.toContain('bot.example');
    expect(calls[1]!.message['text']).toContain(
      '<https://bot.example/postern/connect/x?a=1&amp;b=2|Sign in to calendar>',
    );
  });

  test('stands beside the words of the model, of which Slack makes nothing', async () => {
    const { calls, client } = openSlack();
    await inSlack({ client, placeOf })(request);
    const { text, blocks } = calls[1]!.message as { text: string; blocks: unknown };
    expect(text).not.toContain('evil');
    expect(blocks).toMatchObject([
      {
        type: 'rich_text',
        elements: [
          { elements: [{ type: 'link', url: link }, { type: 'text' }] },
          {
            type: 'rich_text_quote',
            elements: [
              {
                type: 'text',
                text: 'The assistant says why: see <https://evil.example|here>, & <!channel>',
              },
            ],
          },
        ],
      },
    ]);
  });

  test('needs nobody told where there is no thread, and the host may say it in its own words', async () => {
    const { client, methods } = openSlack();
    const said: unknown[] = [];
    const announce = (_: SignInRequest, place: SlackPlace): number => said.push(place.thread);
    const tell = inSlack({ client, placeOf, announce });
    await tell({ ...request, metadata: { channel: 'D1', user: 'U1' } });
    await tell(request);
    expect([methods(), said]).toEqual([['postEphemeral', 'postEphemeral'], ['1.2']]);
  });

  test.each([
    ['postEphemeral', 'user_not_in_channel', ['postMessage', 'postEphemeral', 'open', 'postMessage']],
    ['postEphemeral', 'channel_not_found', ['postMessage', 'postEphemeral', 'open', 'postMessage']],
  ])('that %s refuses (%s) goes to its person alone', async (method, error, expected) => {
    const { calls, client, methods } = openSlack({ [method]: error });
    await inSlack({ client, placeOf })(request);
    expect(methods()).toEqual(expected);
    expect(calls.slice(-2).map(({ message }) => message)).toMatchObject([
      { users: 'U1' },
      { channel: 'D1', unfurl_links: false, unfurl_media: false },
    ]);
  });

  test('that nobody could be given fails the turn', async () => {
    const { client } = openSlack({ postEphemeral: 'user_not_in_channel', open: 'missing_scope' });
    await expect(inSlack({ client, placeOf })(request)).rejects.toThrow('missing_scope');
  });

  test('of which nobody knows whether it was shown goes to no other place', async () => {
    const { client, methods } = openSlack();
    client.chat.postEphemeral = () => Promise.reject(new Error('socket hang up'));
    await expect(inSlack({ client, placeOf })(request)).rejects.toThrow('hang up');
    expect(methods()).toEqual(['postMessage']);
  });
});

test('a text of somebody else mentions nobody, and links nowhere by other words', () => {
  expect(slackText('<!channel> <https://evil.example|bank> a | b & c')).toBe(
    '&lt;!channel&gt; &lt;https://evil.example|bank&gt; a | b &amp; c',
  );
});
