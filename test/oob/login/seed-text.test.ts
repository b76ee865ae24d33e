/** The flow that issue 11 is about, told by the sentences of its text, in their order. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { departureOn } from '../../../demo/browser.ts';
import type { RpcToolResult } from '../../../examples/login-tool/json-rpc-client.ts';
import { createCookieBrowser, type CookieBrowser } from '../../support/cookie-browser.ts';
import { openLoginMachine, type LoginMachine, type LoginProcess } from '../../support/login-processes.ts';
import { walkToCallback } from '../../heart/walk.ts';

let machine: LoginMachine;
let server: LoginProcess;
let answer: RpcToolResult;
let link: string;
let browser: CookieBrowser;
let callback: URL;
let answeredInMs: number;

beforeAll(async () => {
  machine = await openLoginMachine();
  machine.as.approveAs('alice');
  server = await machine.start();
});
afterAll(() => machine[Symbol.asyncDispose]());

const list = async (): Promise<string> => textOf(await server.client.call('login', { command: 'list' }));

describe('User experience flow', () => {
  describe('Initiation', () => {
    test('The user invokes the `login` tool via an MCP client.', async () => {
      const began = performance.now();
      answer = await server.client.call('login', { handle: '@alice.example' });
      answeredInMs = performance.now() - began;
      link = (answer.structuredContent as { pending: { url: string } }).pending.url;
      expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/connect\/[\w-]+$/u);
    });

    test('They may optionally provide a `handle` to suggest an account, but no password.', async () => {
      const { tools } = (await server.client.request('tools/list')) as {
        tools: { name: string; inputSchema: { properties: object; required?: string[] } }[];
      };
      const schema = tools.find(({ name }) => name === 'login')?.inputSchema;
      expect(Object.keys(schema?.properties ?? {})).toEqual(['command', 'handle']);
      expect(schema?.required ?? []).toEqual([]);
    });
  });

  describe('Immediate response', () => {
    test('Generates a unique OAuth state parameter and PKCE challenge.', async () => {
      browser = createCookieBrowser();
      callback = await walkToCallback(browser, link);
      const other = await walkToCallback(browser, link);
      const asked = machine.as.calls.filter(({ kind }) => kind === 'authorize');
      const challenges = asked.map(({ url }) => url.searchParams.get('code_challenge'));
      expect(challenges.every((challenge) => /^[\w-]{43}$/u.test(challenge ?? ''))).toBe(true);
      expect(new Set(challenges).size).toBe(2);
      expect(other.searchParams.get('state')).not.toBe(callback.searchParams.get('state'));
    });

    test('Constructs the full authorization URL for the service.', () => {
      const [asked] = machine.as.calls.filter(({ kind }) => kind === 'authorize');
      expect(Object.fromEntries(asked!.url.searchParams)).toMatchObject({
        response_type: 'code',
        client_id: 'postern-test',
        code_challenge_method: 'S256',
        login_hint: 'alice.example',
        scope: 'openid',
      });
    });

    test('Starts a local HTTP server on a free port to listen for the OAuth callback.', async () => {
      const [asked] = machine.as.calls.filter(({ kind }) => kind === 'authorize');
      const { origin } = new URL(link);
      expect(asked!.url.searchParams.get('redirect_uri')).toBe(`${origin}/callback`);
      expect(new URL(link).hostname).toBe('127.0.0.1');
      expect((await fetch(`${origin}/`)).status).toBe(404);
    });

    test('Spawns a background task to manage the rest of the flow.', async () => {
      expect(await list()).toContain('`alice.example`: waiting for you until');
    });

    test('Immediately returns a `ToolResult` to the MCP client. The `is_error` flag will be `false`.', () => {
      expect(answer.isError).toBe(false);
      // As seen by a client of a process that has only just started, on a machine that may be busy.
      expect(answeredInMs).toBeLessThan(5_000);
    });

    test('This result contains a markdown-formatted message with the URL.', () => {
      expect(textOf(answer).startsWith('# Log in to photos.example\n\n1. Open this link')).toBe(true);
      expect(textOf(answer).split('\n')).toContain(link);
      expect(answer.structuredContent).toMatchObject({
        pending: { status: 'pending', url: link, handle: 'alice.example', kind: 'oauth_redirect' },
      });
    });
  });

  describe('User action and authorization', () => {
    test('The user manually copies the URL and pastes it into their web browser.', async () => {
      const page = await browser.open(link);
      expect([page.status, page.html.includes('<form')]).toEqual([200, true]);
    });

    test('The user authenticates with the service and authorizes the application.', async () => {
      const page = await browser.submit({}, 'continue', {
        stopBefore: ({ port }) => port !== new URL(link).port,
      });
      expect(departureOn(page)?.startsWith(`${machine.as.issuer}/authorize?`)).toBe(true);
    });
  });

  describe('Callback and background completion', () => {
    test('It validates the received `state` parameter against the one generated at the start.', async () => {
      const forged = new URL(callback);
      forged.searchParams.set('state', 'x'.repeat(43));
      expect((await browser.open(forged.href)).status).toBe(400);
      expect(machine.as.count('token')).toBe(0);
    });

    test('The service redirects the user’s browser to the local callback URL with the authorization `code` and `state` in the query parameters.', async () => {
      expect([...callback.searchParams.keys()].toSorted()).toEqual(['code', 'iss', 'state']);
      expect((await browser.open(callback.href)).status).toBe(200);
    });

    test('It exchanges the authorization `code` for an access token and refresh token.', () => {
      expect(machine.as.count('token')).toBe(1);
    });

    test('It securely stores the new credentials (session and refresh tokens).', async () => {
      expect(textOf(await server.client.call('whose'))).toBe('a token of alice');
    });

    test('It shuts down the local callback server.', { timeout: 30_000 }, async () => {
      const answers = async (): Promise<boolean> =>
        fetch(new URL(link).origin).then(
          () => true,
          () => false,
        );
      await vi.waitFor(async () => expect(await answers()).toBe(false), { timeout: 20_000, interval: 200 });
    });
  });

  describe('Completion', () => {
    test('There is no second MCP message sent to the client upon completion.', async () => {
      const before = server.client.lines.length;
      // Whatever the end had sent would have come before this answer.
      await server.client.request('ping');
      expect(server.client.lines.length).toBe(before + 1);
      for (const line of server.client.lines) expect(JSON.parse(line)).not.toHaveProperty('method');
    });

    test('The user can verify the success of the login by running a command like `login --command=list`.', async () => {
      expect(await list()).toMatch(/^- `alice\.example` \*\(default\)\*, since /mu);
      expect(await list()).toContain('- `alice.example`: done');
    });
  });
});

describe('Key principles', () => {
  test('Asynchronous: The initial tool call must not block waiting for user action.', async () => {
    const { structuredContent } = await server.client.call('login', { handle: 'bob.example' });
    expect(structuredContent).toMatchObject({ pending: { status: 'pending' } });
  });

  test('Client-driven UI: No automatic browser opening.', () => {
    expect(machine.hasOpenedBrowser()).toBe(false);
  });

  test('Stateless from the client’s view: The client’s interaction is a single request-response.', async () => {
    const again = await server.client.call('login', { handle: 'carol.example' });
    const { pending } = again.structuredContent as { pending: { url: string } };
    await server.kill();
    server = await machine.start();
    machine.as.approveAs('carol');
    await vi.waitFor(async () => void (await fetch(new URL(pending.url).origin)), { timeout: 20_000 });
    const person = createCookieBrowser();
    expect((await person.open((await walkToCallback(person, pending.url)).href)).status).toBe(200);
    expect(await list()).toContain('`carol.example`');
  });

  test('Silent completion: Success or failure of the background task does not trigger a new message to the client. Log any errors that occur here.', async () => {
    const { structuredContent } = await server.client.call('login', { handle: 'dave.example' });
    const { pending } = structuredContent as { pending: { url: string } };
    const before = server.client.lines.length;
    const person = createCookieBrowser();
    const answered = await walkToCallback(person, pending.url);
    answered.searchParams.delete('code');
    answered.searchParams.set('error', 'access_denied');
    expect((await person.open(answered.href)).status).toBe(403);
    expect(server.client.lines.length).toBe(before);
    expect(server.log()).toMatch(/a login has ended .*alias=dave\.example status=declined/u);
    expect(await list()).toMatch(/`dave\.example`: declined\. Access was not granted/u);
  });
});

function textOf({ content }: RpcToolResult): string {
  return content.map(({ text }) => text).join('\n');
}
