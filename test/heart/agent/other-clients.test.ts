import { Client as SdkClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openListener } from '../../../demo/open-listener.ts';
import type { Client } from '../../../src/client/index.ts';
import { challengeOf, codeOf, openStage, textOf, type Stage } from '../../support/stage.ts';

/** The official client, with nothing of ours but its `fetch`. */
async function openOfficial(client: Client, url: string): Promise<SdkClient> {
  const official = new SdkClient({ name: 'official', version: '1.0.0' });
  await official.connect(
    new StreamableHTTPClientTransport(new URL(url), { fetch: client.session('calendar').fetch }),
  );
  return official;
}

async function whoami(official: SdkClient): Promise<string> {
  return textOf(await official.callTool({ name: 'whoami', arguments: {} }));
}

async function openPair(): Promise<[Stage, Client]> {
  const stage = await openStage({ hosts: 2 });
  return [stage, await stage.manager.getClient('alice')];
}

describe('another client of MCP that has our fetch', () => {
  test('rejects with the one live link, and goes on once its person has signed in, with the same grant as ours', async () => {
    const [stage, client] = await openPair();
    const challenge = await challengeOf(openOfficial(client, stage.calendar.url));
    expect(challenge.url).toBe((await stage.linkOf('alice')).url);
    await stage.signIn('alice');
    const official = await openOfficial(client, stage.calendar.url);
    expect(await whoami(official)).toBe('alice');
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
    expect(stage.as.count('token')).toBe(1);
    await official.close();
  });

  test('shares one refresh with every other caller of that grant', async () => {
    const [stage, client] = await openPair();
    await stage.signIn('alice');
    const elsewhere = await stage.managers[1]!.getClient('alice');
    const officials = await Promise.all(
      [client, elsewhere, client].map((one) => openOfficial(one, stage.calendar.url)),
    );
    stage.as.tokens.expireAccessTokens();
    const answers = await Promise.all([
      ...officials.map((official) => whoami(official)),
      ...[client, elsewhere].map(async (one) => textOf(await one.callTool('whoami'))),
    ]);
    expect(answers).toEqual(['alice', 'alice', 'alice', 'alice', 'alice']);
    expect(stage.as.count('refresh')).toBe(1);
    await Promise.all(officials.map((official) => official.close()));
  });

  test('sends no credential anywhere else', async () => {
    // Its host has named the other one, too.
    const network = { guard: { allow: ['127.0.0.1'] } };
    const stage = await openStage({ coordinator: { network } });
    const client = await stage.manager.getClient('alice');
    await stage.signIn('alice');
    const sent: (string | null)[] = [];
    const elsewhere = await openListener({
      handler: async (request) => {
        sent.push(request.headers.get('authorization'));
        return new Response('nothing', { status: 401, headers: { 'www-authenticate': 'Bearer' } });
      },
    });
    onTestFinished(() => elsewhere.close());
    const { status } = await client.session('calendar').fetch(`${elsewhere.origin}/mcp`);
    expect([status, sent]).toEqual([401, [null]]);
    expect(await client.getAuthChallenges()).toEqual([]);
  });

  test('has none for a program', async () => {
    const stage = await openStage({ servers: () => ({ tool: { command: 'node' } }) });
    const client = await stage.manager.getClient('alice');
    expect(await codeOf((async () => client.session('tool').fetch)())).toBe(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
    );
  });
});
