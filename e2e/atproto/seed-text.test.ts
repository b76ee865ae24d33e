/** The flow that a login on the AT Protocol network is to have, told by the sentences of its text, in their order. */
import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RpcToolResult } from '../../examples/login-tool/json-rpc-client.ts';
import { HttpPerson, type Arrived } from './http-person.ts';
import { startNetwork, type Account, type Network } from './network.ts';
import {
  connectOnStdio,
  linkOf,
  listOf,
  loginOf,
  openFolder,
  textOf,
  type AtprotoClient,
} from './servers.ts';

const folder = openFolder();
const opened = join(folder.path, 'opened');
let network: Network;
let alice: Account;
let client: AtprotoClient;
let answer: RpcToolResult;
let answeredInMs: number;
let link: string;
let person: HttpPerson;
let callback: URL;
let page: Arrived;

beforeAll(async () => {
  network = await startNetwork();
  alice = await network.createAccount('alice.test');
  // What opens browsers, in front of whatever this machine has.
  for (const name of ['xdg-open', 'open', 'x-www-browser']) {
    writeFileSync(join(folder.path, name), `#!/bin/sh\necho "$@" >> ${opened}\n`, { mode: 0o755 });
  }
  client = await connectOnStdio(network, folder.path, 'plain JSON-RPC', {
    env: {
      PATH: `${folder.path}${delimiter}${process.env['PATH'] ?? ''}`,
      DISPLAY: ':0',
      BROWSER: 'xdg-open',
    },
  });
  person = new HttpPerson();
});
afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await network?.[Symbol.asyncDispose]();
  folder.close();
});

describe('Initiation', () => {
  test('The user invokes the `login` tool via an MCP client.', async () => {
    const began = performance.now();
    answer = await client.call('login', { handle: 'alice.test' });
    answeredInMs = performance.now() - began;
    link = linkOf(answer);
    expect(link).toContain('/connect/');
  });

  test('They may optionally provide a `handle` to suggest an account, but no password.', async () => {
    // What is no argument of the tool is not read, and does not come back.
    const other = await client.call('login', { handle: 'alice.test', password: 'CNRYz-in-arguments' });
    expect([linkOf(other), JSON.stringify(other).includes('CNRYz')]).toEqual([link, false]);
  });
});

describe('Immediate response', () => {
  test('Generates a unique OAuth state parameter and PKCE challenge.', async () => {
    const isCallback = ({ pathname }: URL): boolean => pathname === '/callback';
    const first = await new HttpPerson().signIn(
      linkOf(await client.call('login', { handle: alice.did })),
      alice,
      isCallback,
    );
    ({ url: callback } = await person.signIn(link, alice, isCallback));
    const [one, other] = [first.url, callback].map(({ searchParams }) => searchParams.get('state') ?? '');
    expect(one).not.toBe(other);
    // 128 bits, as base64url.
    expect(other).toMatch(/^[\w-]{22,}$/u);
  });

  test('Constructs the full authorization URL for the AT Protocol service.', () => {
    const authorize = person.visited.find(({ pathname }) => pathname === '/oauth/authorize');
    expect(authorize?.origin).toBe(network.pdsUrl);
    expect(authorize?.searchParams.get('client_id')).toContain(
      encodeURIComponent(`${new URL(link).origin}/callback`),
    );
    expect(authorize?.searchParams.get('request_uri')).toMatch(/^urn:ietf:params:oauth:request_uri:/u);
  });

  test('Starts a local HTTP server on a free port to listen for the OAuth callback.', async () => {
    const { hostname, port, origin } = new URL(link);
    expect([hostname, Number(port) > 1_024]).toEqual(['127.0.0.1', true]);
    for (const path of ['/', '/favicon.ico', '/callback', '/callback?state=x&code=y']) {
      expect((await fetch(`${origin}${path}`)).status).toBeGreaterThanOrEqual(400);
    }
  });

  test('Spawns a background task to manage the rest of the flow.', async () => {
    expect(loginOf(await listOf(client), 'alice.test')?.status).toBe('pending');
  });

  test('Immediately returns a `ToolResult` to the MCP client.', () => {
    expect(answer.isError).toBe(false);
    // Of a process that has only just started, on a machine that may be busy.
    expect(answeredInMs).toBeLessThan(5_000);
  });

  test('This result contains a markdown-formatted message with the authorization URL.', () => {
    expect(textOf(answer)).toMatch(/^# Log in to /u);
    expect(textOf(answer).split('\n')).toContain(link);
  });
});

describe('User action and authorization', () => {
  test('The user manually copies the URL and pastes it into their web browser.', () => {
    expect(person.visited[0]?.href).toBe(link);
  });

  test('The user authenticates with the service (e.g., BlueSky) and authorizes the application.', () => {
    expect(person.visited.map(({ origin }) => origin)).toContain(network.pdsUrl);
  });
});

describe('Callback', () => {
  test('The service redirects the user’s browser to the local callback URL with the authorization `code` and `state` in the query parameters.', () => {
    expect(callback.origin).toBe(new URL(link).origin);
    expect([...callback.searchParams.keys()].toSorted()).toEqual(['code', 'iss', 'state']);
  });
});

describe('Background completion', () => {
  test('It validates the received `state` parameter against the one generated at the start.', async () => {
    const forged = new URL(callback);
    forged.searchParams.set('state', 'x'.repeat(22));
    expect((await person.open(forged.href)).status).toBe(400);
    expect(loginOf(await listOf(client), 'alice.test')?.status).toBe('pending');
  });

  test('It exchanges the authorization `code` for an access token and refresh token.', async () => {
    page = await person.open(callback.href);
    expect([page.status, page.html.includes('You are signed in')]).toEqual([200, true]);
  });

  test('It securely stores the new credentials (session and refresh tokens).', async () => {
    const again = await connectOnStdio(network, folder.path);
    expect(textOf(await again.call('profile', { account: 'alice.test' }))).toContain(alice.did);
    await again.kill();
  });

  test('It shuts down the local callback server.', { timeout: 40_000 }, async () => {
    // The other login of this file is called off, so that nobody is waited for.
    await client.call('login', { command: 'delete', handle: alice.did });
    const answers = (): Promise<boolean> =>
      fetch(new URL(link).origin).then(
        () => true,
        () => false,
      );
    for (let tries = 0; tries < 300 && (await answers()); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await answers()).toBe(false);
  });
});

describe('Completion', () => {
  test('There is no second MCP message sent to the client upon completion.', () => {
    const messages = client
      .seen()
      .split('\n')
      .flatMap((line) =>
        line.startsWith('{') ? [JSON.parse(line) as { id?: number; method?: string }] : [],
      );
    expect(messages.filter(({ method }) => method !== undefined)).toEqual([]);
    expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length);
  });

  test('The user can verify the success of the login by running a command like `login --command=list`.', async () => {
    await client.call('login', { handle: 'alice.test' });
    const page2 = await new HttpPerson().signIn(
      linkOf(await client.call('login', { handle: 'alice.test' })),
      alice,
    );
    expect(page2.status).toBe(200);
    const { accounts } = await listOf(client);
    expect(accounts).toMatchObject([{ subject: alice.did, default: true }]);
  });
});

describe('Key principles', () => {
  test('No automatic browser opening.', () => {
    expect(existsSync(opened)).toBe(false);
  });

  test('Success or failure of the background task does not trigger a new message to the client.', async () => {
    const before = client.seen();
    await new HttpPerson().deny(linkOf(await client.call('login', { handle: 'alice.test' })));
    const since = client.seen().slice(before.length);
    expect(since.split('\n').filter((line) => line.startsWith('{'))).toHaveLength(1);
    expect(loginOf(await listOf(client), 'alice.test')?.code).toBe('ERR_POSTERN_AUTH_DENIED');
  });
});
