import { inspect } from 'node:util';
import { expect, test, vi } from 'vitest';
import { encrypted, generateKeyText, keyringFromText } from '../../src/storage/index.ts';
import { canary } from '../support/canaries.ts';
import {
  callbackOf,
  codeOf,
  failureOf,
  openStage,
  textOf,
  withParams,
  type Stage,
} from '../support/stage.ts';
import { tellAll } from '../support/tell-all.ts';

const clientSecret = canary('client-secret-5tGh9');

/** Everything that nobody but the two servers and our own memory may ever see. */
interface Secrets {
  readonly found: Set<string>;
  /** A fetch that notes every secret that passes. */
  readonly fetch: typeof fetch;
}

function createSecrets(): Secrets {
  const found = new Set([clientSecret]);
  const note = (value: unknown): void => {
    if (typeof value === 'string' && value.length >= 16) found.add(value);
  };
  return {
    found,
    fetch: async (input, init) => {
      note(new Headers(init?.headers).get('authorization')?.split(' ')[1]);
      const response = await fetch(input, init);
      const path = new URL(input instanceof Request ? input.url : input).pathname;
      if (path === '/token' || path === '/register') {
        const body = (await response
          .clone()
          .json()
          .catch(() => ({}))) as Record<string, unknown>;
        for (const name of [
          'access_token',
          'refresh_token',
          'id_token',
          'client_secret',
          'registration_access_token',
        ]) {
          note(body[name]);
        }
      }
      return response;
    },
  };
}

/** The ways in which a secret could hide in a text. */
function disguises(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret.slice(0, 12),
    secret.slice(-12),
    encodeURIComponent(secret),
    bytes.toString('base64').slice(0, 16),
    bytes.toString('base64url').slice(0, 16),
    bytes.toString('hex'),
  ];
}

function leaksIn(text: string, secrets: Iterable<string>): string[] {
  return [...secrets].filter((secret) => disguises(secret).some((form) => text.includes(form)));
}

/** Everything that goes right and wrong in one host's day. Returns what its callers got to see. */
async function liveThrough(stage: Stage, secrets: Secrets): Promise<string[]> {
  const told: string[] = [];
  const client = await stage.manager.getClient('alice');
  const fail = async (work: Promise<unknown>): Promise<void> =>
    void told.push(tellAll(await failureOf(work)));
  const call = (): Promise<unknown> => client.callTool('whoami');
  const attempt = async (): Promise<{
    browser: Awaited<ReturnType<Stage['host']['openBrowser']>>;
    callback: URL;
  }> => {
    await fail(call());
    const [challenge] = await client.getAuthChallenges();
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, challenge?.url ?? '');
    for (const name of ['code', 'state']) secrets.found.add(callback.searchParams.get(name) ?? '');
    return { browser, callback };
  };

  // A callback in another browser, one from another issuer, one declined.
  const first = await attempt();
  await (await stage.host.openBrowser('alice')).open(first.callback.href);
  await first.browser.open(withParams(first.callback, { iss: 'https://evil.example' }));
  await vi.waitFor(() => expect(client.session('calendar').status).toBe('AUTH_FAILED'));
  const second = await attempt();
  await second.browser.open(withParams(second.callback, { code: undefined, error: 'access_denied' }));
  await vi.waitFor(() => expect(client.session('calendar').status).toBe('AUTH_FAILED'));
  stage.time.advance(61_000);

  // A token endpoint that repeats what it was sent, and a store that fails after an exchange.
  const third = await attempt();
  stage.as.on('token', ({ form }) => ({
    status: 400,
    body: { error: form.get('code'), error_description: `${form}` },
  }));
  await third.browser.open(third.callback.href);
  stage.as.on('token', undefined);
  const fourth = await attempt();
  stage.storage.fault = () => undefined;
  await fourth.browser.open(fourth.callback.href);
  await fourth.browser.open(fourth.callback.href);
  await vi.waitFor(() => expect(client.session('calendar').status).toBe('CONNECTED'));
  told.push(textOf(await client.callTool('whoami')));

  // Refreshes: one that repeats the token, one that works, one whose grant is gone; and a logout.
  stage.time.advance(2 * 60 * 60_000);
  stage.as.on('refresh', ({ form }) => ({
    status: 400,
    body: { error: form.get('refresh_token'), error_uri: `${form}` },
  }));
  await fail(call());
  stage.as.on('refresh', undefined);
  stage.time.advance(3_000);
  // Its person is asked beside it by now; whoever knows better says so.
  await client.connect({ force: true });
  await call();
  stage.as.on('revoke', ({ form }) => ({ status: 500, body: { error: form.get('token') } }));
  told.push(JSON.stringify(await client.logout()));
  await fail(call());
  told.push(
    inspect(client, { depth: 8, showHidden: true }),
    inspect(stage.manager, { depth: 8, showHidden: true }),
  );
  return told;
}

test('in a whole day of sign-ins and failures no secret is in a log, an error, a page, an address or the store', async () => {
  const secrets = createSecrets();
  const stage = await openStage({
    around: (storage) => encrypted(storage, keyringFromText(generateKeyText())),
    coordinator: { fetch: (url, init) => secrets.fetch(url, init) },
    manager: { fetch: secrets.fetch },
    servers: (calendar) => ({
      calendar: {
        url: calendar.url,
        auth: { type: 'oauth', client: { clientId: 'pre-registered', clientSecret } },
      },
    }),
  });
  const told = await liveThrough(stage, secrets);
  const client = await stage.manager.getClient('bob');
  told.push(await codeOf(client.callTool('whoami')));

  for (const { form } of stage.as.calls) {
    for (const name of ['code', 'code_verifier', 'refresh_token', 'token']) {
      const value = form.get(name);
      if (value !== null) secrets.found.add(value);
    }
  }
  // Four codes and states, two verifiers, two pairs of tokens, the client's secret: or the scan looks for too little.
  expect(secrets.found.size).toBeGreaterThanOrEqual(15);
  const wire = stage.as.calls
    .map(({ url, text, headers }) => `${url} ${text} ${JSON.stringify(headers)}`)
    .join('\n');
  expect(leaksIn(wire, secrets.found).length).toBeGreaterThan(10);

  expect(leaksIn(stage.logger.lines.join('\n'), secrets.found), 'in a log').toEqual([]);
  expect(leaksIn(told.join('\n'), secrets.found), 'in an error').toEqual([]);
  expect(leaksIn(stage.host.answers.map(({ body }) => body).join('\n'), secrets.found), 'in a page').toEqual(
    [],
  );
  const afterCallback = stage.host.answers
    .filter(({ path }) => path.endsWith('/callback'))
    .map(({ headers }) => headers);
  expect(afterCallback.length).toBeGreaterThan(3);
  expect(leaksIn(afterCallback.join('\n'), secrets.found), 'in an address after the callback').toEqual([]);

  const { written } = stage.storage;
  const raw = written.map(({ key, value }) => `${key} ${Buffer.from(value).toString('latin1')}`).join('\n');
  expect(written.length).toBeGreaterThan(30);
  expect(leaksIn(raw, secrets.found), 'in the store').toEqual([]);
  // Nor do the links lie about in it: they are found by their hashes.
  const links = stage.host.answers.flatMap(
    ({ path }) => /\/connect\/(?<id>[\w-]+)/u.exec(path)?.groups?.['id'] ?? [],
  );
  expect(links.length).toBeGreaterThan(2);
  expect(leaksIn(raw, links), 'links in the store').toEqual([]);
  expect(leaksIn(stage.logger.lines.join('\n'), links), 'links in a log').toEqual([]);
});

test('an id with line breaks and escape sequences stays one line of the log’s values', async () => {
  const stage = await openStage({ coordinator: { verifyUser: () => 'somebody-else' } });
  const id = 'x\n{"level":"info"}\u001b[31m';
  const client = await stage.manager.getClient(id);
  expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REQUIRED');
  const [challenge] = await client.getAuthChallenges();
  await (await stage.host.openBrowser()).open(challenge?.url ?? '');
  expect(stage.logger.lines.length).toBeGreaterThan(1);
  for (const line of stage.logger.lines) expect(line).not.toMatch(/[\n\u001b]/u);
});

test('an API key is in no error, no inspection and no log', async () => {
  const key = canary('api-key-8sDf3kQ');
  const stage = await openStage({
    servers: (calendar) => ({ calendar: { url: calendar.url, auth: { type: 'api_key', key } } }),
  });
  const client = await stage.manager.getClient('alice');
  const error = await failureOf(client.callTool('whoami'));
  expect(client.session('calendar').status).toBe('AUTH_FAILED');
  const seen = [
    tellAll(error),
    inspect(client, { depth: 10, showHidden: true }),
    inspect(stage.manager, { depth: 10 }),
    ...stage.logger.lines,
  ];
  expect(leaksIn(seen.join('\n'), [key])).toEqual([]);
});
