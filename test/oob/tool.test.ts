import { ProtocolError, UrlElicitationRequiredError } from '@modelcontextprotocol/client';
import { describe, expect, test } from 'vitest';
import {
  eras,
  openToolStage,
  password,
  pendingOf,
  textOf,
  until,
  type Era,
  type ToolClient,
  type ToolStage,
} from '../support/tool-stage.ts';

const names = Object.keys(eras) as Era[];
const query = { connection: 'warehouse' };

/** Calls as a person would: each link that turns up is followed, and where that ended the call, it is made again. */
async function callToTheEnd(
  stage: ToolStage,
  client: ToolClient,
  tool: string,
  args?: Record<string, unknown>,
) {
  for (let tries = 0; tries < 5; tries++) {
    let over = false;
    const call = client.call(tool, args).finally(() => (over = true));
    const asked = client.prompts.length;
    const person = (async () => {
      for (let next = asked; ; next++) {
        const prompt = await until(() => over || client.prompts[next]);
        if (prompt === true) return;
        await stage.finish(prompt.url);
      }
    })();
    try {
      const [result] = await Promise.all([call, person]);
      return result;
    } catch (error) {
      if (!(error instanceof UrlElicitationRequiredError)) throw error;
      for (const { url } of error.elicitations) await stage.finish(url);
    }
  }
  throw new Error('the call was not answered in five tries');
}

describe.each(names)('a tool that needs a password, called in %s', (era) => {
  test('is answered after the person has filled in the form, and its handler begins anew', async () => {
    const stage = await openToolStage();
    const client = await stage.connect(era);
    const result = await callToTheEnd(stage, client, 'run_query', query);
    expect(textOf(result)).toBe('run_query at warehouse as alice/db-alice');
    expect(result.isError).toBeFalsy();
    expect(stage.effects).toHaveLength(1);
    expect(stage.runs()).toBe(2);
    // Now it is there, nobody is asked again.
    const asked = client.prompts.length;
    expect(textOf(await client.call('run_query', query))).toBe('run_query at warehouse as alice/db-alice');
    expect(client.prompts).toHaveLength(asked);
    expect(stage.listeners()).toBe(0);
  });

  test('takes no arguments and has an output schema, and is answered all the same', async () => {
    const stage = await openToolStage();
    const client = await stage.connect(era);
    await client.client.listTools();
    const result = await callToTheEnd(stage, client, 'whoami');
    expect(result.structuredContent).toEqual({ user: 'db-alice' });
  });

  test('asks for two passwords, one after the other', async () => {
    const stage = await openToolStage();
    const client = await stage.connect(era);
    const apart = { from: 'a', to: 'b', together: false };
    expect(textOf(await callToTheEnd(stage, client, 'copy_table', apart))).toBe('copy_table at a>b as ');
    expect(stage.runs()).toBe(3);
  });

  test('sends neither the password nor the token anywhere', async () => {
    const stage = await openToolStage();
    const client = await stage.connect(era);
    const result = await callToTheEnd(stage, client, 'run_query', query);
    expect(JSON.stringify([result, client.prompts, client.completed, stage.logger.lines])).not.toContain(
      password,
    );
    expect(stage.host.answers.map(({ body }) => body).join('')).not.toContain(password);
  });

  test('lets nobody but the caller fill in the form', async () => {
    const stage = await openToolStage({ tool: { waitMs: 20, sessionWaitMs: 500 } });
    const client = await stage.connect(era);
    const call = client.call('run_query', query).catch((error: unknown) => error);
    const url =
      era === 'stateless'
        ? (((await call) as UrlElicitationRequiredError).elicitations[0]?.url ?? '')
        : (await until(() => client.prompts[0])).url;
    const mallory = await stage.host.openBrowser('mallory');
    expect((await mallory.open(url)).status).toBe(404);
    await call;
    expect(stage.effects).toEqual([]);
  });

  test('reports an error of the handler’s own as the SDK does', async () => {
    const stage = await openToolStage();
    const client = await stage.connect(era);
    const result = await client.call('fail');
    expect(result.isError).toBe(true);
    expect(textOf(result)).toBe('the table does not exist');
  });

  test('says that the store is down, and that trying again may help', async () => {
    const stage = await openToolStage();
    const client = await stage.connect(era);
    stage.storage.fault = () => 'fail';
    const result = await client.call('run_query', query);
    expect(result.isError).toBe(true);
    expect(result.structuredContent).toMatchObject({
      error: { code: 'ERR_POSTERN_STORAGE_UNAVAILABLE', retry: true },
    });
    expect(textOf(result)).not.toContain('told to fail');
    stage.storage.fault = () => undefined;
    expect(textOf(await callToTheEnd(stage, client, 'run_query', query))).toContain('warehouse');
  });

  test('asks no more than it may at once', async () => {
    const stage = await openToolStage({ oob: { maxPendings: 1 } });
    await (await stage.connect('modern', { elicitation: null })).call('run_query', query);
    const client = await stage.connect(era);
    const result = await client.call('run_query', { connection: 'other' });
    expect(result.structuredContent).toMatchObject({ error: { code: 'ERR_POSTERN_OOB_LIMIT', retry: true } });
  });
});

describe.each(['modern', 'session'] as const)('three parallel calls in %s', (era) => {
  test('get one link, and are all answered after the form was sent', async () => {
    const stage = await openToolStage();
    const client = await stage.connect(era);
    const calls = Array.from({ length: 3 }, () => client.call('run_query', query));
    await until(() => client.prompts.length === (era === 'session' ? 1 : 3));
    await until(() => stage.runs() === 3);
    const links = new Set(client.prompts.map(({ url }) => url));
    expect(links.size).toBe(1);
    await stage.finish([...links][0] ?? '');
    const results = await Promise.all(calls);
    expect(results.map(textOf)).toEqual(Array(3).fill('run_query at warehouse as alice/db-alice'));
    expect(stage.effects).toHaveLength(3);
    expect(client.prompts).toHaveLength(era === 'session' ? 1 : 3);
    expect(stage.listeners()).toBe(0);
  });

  test('of two users get a link each, and nobody acts in another’s name', async () => {
    const stage = await openToolStage();
    const [alice, bob] = [await stage.connect(era), await stage.connect(era, { user: 'bob' })];
    const calls = [alice.call('run_query', query), bob.call('run_query', query)];
    const [hers, his] = [await until(() => alice.prompts[0]), await until(() => bob.prompts[0])];
    expect(hers.url).not.toBe(his.url);
    await stage.finish(his.url, 'bob');
    await stage.finish(hers.url, 'alice');
    expect((await Promise.all(calls)).map(textOf)).toEqual([
      'run_query at warehouse as alice/db-alice',
      'run_query at warehouse as bob/db-bob',
    ]);
  });
});

describe.each(['modern', 'session'] as const)('a person who says no in %s', (era) => {
  test('ends the call, and is not asked again for a while', async () => {
    const stage = await openToolStage();
    const client = await stage.connect(era, { answer: async () => 'decline' });
    const result = await client.call('run_query', query);
    expect(result.isError).toBe(true);
    expect(result.structuredContent).toMatchObject({
      error: { code: 'ERR_POSTERN_AUTH_DENIED', retry: false },
    });
    const again = await client.call('run_query', query);
    expect(again.structuredContent).toMatchObject({
      error: { code: 'ERR_POSTERN_AUTH_DENIED', retryAt: expect.stringMatching(/^20\d\d-.*Z$/u) as string },
    });
    expect(JSON.stringify(again.content)).toMatch(/not granted a moment ago: .* again in \d+ seconds/u);
    expect(client.prompts).toHaveLength(1);
    expect((await (await stage.host.openBrowser('alice')).open(client.prompts[0]?.url ?? '')).status).toBe(
      403,
    );
    stage.time.advance(61_000);
    await client.call('run_query', query);
    expect(client.prompts).toHaveLength(2);
    expect(stage.effects).toEqual([]);
  });

  test('who only closes the question is given the link in words at once, and asked again by the next call', async () => {
    const stage = await openToolStage();
    const client = await stage.connect(era, { answer: async () => 'cancel' });
    for (const asked of [1, 2]) {
      const { isError, structuredContent, content } = await client.call('run_query', query);
      const { url } = (structuredContent as { pending: { url: string } }).pending;
      expect([isError, JSON.stringify(content).includes(url), client.prompts.length]).toEqual([
        true,
        true,
        asked,
      ]);
      expect(client.prompts.at(-1)?.url).toBe(url);
    }
  });

  test('on the page ends the call that waits', async () => {
    const stage = await openToolStage();
    const client = await stage.connect(era);
    const call = client.call('run_query', query);
    const browser = await stage.host.openBrowser('alice');
    await browser.open((await until(() => client.prompts[0])).url);
    await browser.submit({}, 'decline');
    expect((await call).structuredContent).toMatchObject({ error: { code: 'ERR_POSTERN_AUTH_DENIED' } });
  });
});

describe('a client that cannot show links', () => {
  test.each([
    ['modern', null],
    ['modern', { form: {} }],
    ['session', null],
    ['session', { form: {} }],
  ] as const)(
    'in %s with %j gets the link in the result at once, and finds the password there later',
    async (era, elicitation) => {
      const stage = await openToolStage();
      const client = await stage.connect(era, { elicitation });
      const startedAt = performance.now();
      const result = await client.call('run_query', query);
      expect(performance.now() - startedAt).toBeLessThan(4_000);
      expect(result.isError).toBe(true);
      const pending = pendingOf(result);
      expect(pending).toMatchObject({ kind: 'secret_form', resource: 'warehouse', alias: 'default' });
      expect(Date.parse((pending as unknown as { expiresAt: string }).expiresAt)).toBeGreaterThan(Date.now());
      expect(textOf(result)).toContain(pending.url);
      expect(client.prompts).toEqual([]);
      expect(pendingOf(await client.call('run_query', query)).url).toBe(pending.url);
      await stage.finish(pending.url);
      expect(textOf(await client.call('run_query', query))).toBe('run_query at warehouse as alice/db-alice');
    },
  );

  test('is given every link that is needed', async () => {
    const stage = await openToolStage();
    const client = await stage.connect('modern', { elicitation: null });
    const result = await client.call('copy_table', { from: 'a', to: 'b', together: true });
    const { pendings } = result.structuredContent as { pendings: { resource: string; url: string }[] };
    expect(pendings.map(({ resource }) => resource)).toEqual(['a', 'b']);
    for (const { url } of pendings) expect(textOf(result)).toContain(url);
  });

  test('of a tool with an output schema gets it too', async () => {
    const stage = await openToolStage();
    for (const era of ['modern', 'session'] as const) {
      const client = await stage.connect(era, { elicitation: null });
      await client.client.listTools();
      expect(pendingOf(await client.call('whoami')).kind).toBe('secret_form');
    }
  });
});

test('a client without a session gets -32042 with the link, each time the same', async () => {
  const stage = await openToolStage();
  const client = await stage.connect('stateless');
  const errors = await Promise.all(
    [1, 2].map(() => client.call('run_query', query).catch((error: unknown) => error)),
  );
  const [first, second] = errors as [UrlElicitationRequiredError, UrlElicitationRequiredError];
  expect(first).toBeInstanceOf(UrlElicitationRequiredError);
  expect(first.code).toBe(-32042);
  expect(first.elicitations).toEqual(second.elicitations);
  expect(first.elicitations).toMatchObject([{ mode: 'url' }]);
  expect(first.elicitations[0]?.elicitationId).toBeTruthy();
  // That is the answer, and no failure of the tool.
  expect(stage.logger.lines.join('\n')).not.toContain('the handler of a call failed');
});

describe('a handler', () => {
  test.each(['modern', 'session'] as const)(
    'that catches what ends it gets no password, and its person the link, in %s',
    async (era) => {
      const stage = await openToolStage();
      const client = await stage.connect(era);
      expect(textOf(await callToTheEnd(stage, client, 'swallow'))).toBe('swallow at with as ');
      // The run that went on without it is not the answer.
      expect(stage.effects.map(({ connection }) => connection)).toEqual(['without', 'with']);
      expect(client.prompts).toHaveLength(1);
    },
  );

  test('that asks for two passwords together has both links shown in one round', async () => {
    const stage = await openToolStage();
    const client = await stage.connect('modern');
    const call = client.call('copy_table', { from: 'a', to: 'b', together: true });
    await until(() => client.prompts.length === 2);
    await Promise.all(client.prompts.map(({ url }) => stage.finish(url)));
    expect(textOf(await call)).toBe('copy_table at a>b as ');
    expect(stage.runs()).toBe(2);
  });

  test('tells how far it is, when its client wants to know', async () => {
    const stage = await openToolStage();
    const client = await stage.connect('modern');
    const told: unknown[] = [];
    const call = client.client.callTool(
      { name: 'run_query', arguments: query },
      { onprogress: ({ message }) => told.push(message) },
    );
    await stage.finish((await until(() => client.prompts[0])).url);
    await call;
    expect(told).toContain('begun');
  });

  test('of a caller who cannot be told is not run', async () => {
    const stage = await openToolStage({ oob: { callerOf: () => ({}) } });
    const client = await stage.connect('modern');
    const result = await client.call('run_query', query);
    expect(result.structuredContent).toMatchObject({ error: { code: 'ERR_POSTERN_NAMESPACE_UNVERIFIED' } });
    expect(stage.runs()).toBe(0);
  });
});

test('an unknown tool is still an error of the protocol', async () => {
  const stage = await openToolStage();
  const client = await stage.connect('modern');
  await expect(client.call('no_such_tool')).rejects.toBeInstanceOf(ProtocolError);
});
