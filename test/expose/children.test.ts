import { expect, test } from 'vitest';
import { errorIn, expose, isAlive, LegacyClient, until } from './expose-stage.ts';

const restart = { firstDelayMs: 1, maxDelayMs: 1, maxCrashes: 3, restMs: 60_000, healthyMs: 60_000 };

test('a child that ends answers fifty calls in flight with how it ended, and the next starts one with the words of its own client', async () => {
  const { url } = await expose([], { restart });
  const client = await LegacyClient.begin(url);
  const calls = Array.from({ length: 50 }, () => client.call('wait'));
  await client.text('echo');
  const died = client.call('die', { code: 7 });
  for (const answer of await Promise.all([...calls, died])) {
    expect(errorIn(answer).message).toContain('exit code 7');
  }
  await until('it is started again', async () => (await client.call('echo')).text.includes('content'));
  expect(await client.text('initialized')).toBe('[{"name":"client","version":"1"},true]');
});

test('a child that does not stay up is left alone after a few tries, and that is said', async () => {
  const exposed = await expose(['--crash'], { restart });
  let last = '';
  await until('it is left alone', async () => {
    const answer = await new LegacyClient(exposed.url).send({
      id: 1,
      method: 'initialize',
      params: { capabilities: {} },
    });
    last = errorIn(answer).message;
    return last.includes('in a row');
  });
  expect(exposed.counts.started).toBeLessThanOrEqual(8);
  const started = exposed.counts.started;
  await new LegacyClient(exposed.url).send({ id: 1, method: 'initialize', params: { capabilities: {} } });
  expect(exposed.counts.started).toBe(started);
});

test('a child that does not get ready is given up in time', async () => {
  const { url } = await expose(['--silent'], { limits: { startMs: 300 } });
  const answer = await new LegacyClient(url).send({
    id: 1,
    method: 'initialize',
    params: { capabilities: {} },
  });
  expect(errorIn(answer).message).toContain('within 300 ms');
});

test('a program that is not there is said to be', async () => {
  const { url } = await expose([], { program: '/nowhere/at-all.js' });
  const answer = await new LegacyClient(url).send({
    id: 1,
    method: 'initialize',
    params: { capabilities: {} },
  });
  expect(errorIn(answer).message).toMatch(/has stopped/u);
});

test('a child that heeds neither the end of its input nor SIGTERM is killed, and so is what it has started', async () => {
  const exposed = await expose(['--ignore-eof', '--ignore-term']);
  const client = await LegacyClient.begin(exposed.url);
  const pids = [Number(await client.text('pid')), Number(await client.text('grandchild'))];
  expect(pids.every(isAlive)).toBe(true);
  await exposed.stop();
  await until('both are gone', () => !pids.some(isAlive));
});

test('the grandchildren of a child that has crashed are ended, too', async () => {
  const { url } = await expose();
  const client = await LegacyClient.begin(url);
  const grandchild = Number(await client.text('grandchild'));
  expect(isAlive(grandchild)).toBe(true);
  await client.call('die', { code: 1 });
  await until('it is gone', () => !isAlive(grandchild));
});

test('a session’s own child ends with it', async () => {
  const { url } = await expose();
  const client = await LegacyClient.begin(url, { capabilities: { sampling: {} } });
  const pid = Number(await client.text('pid'));
  expect(isAlive(pid)).toBe(true);
  await fetch(url, { method: 'DELETE', headers: client.headers });
  await until('it is gone', () => !isAlive(pid));
});

test('a child that nobody has used for a while is stopped, and the session goes on with another', async () => {
  const exposed = await expose([], { limits: { childIdleMs: 1 } });
  const client = await LegacyClient.begin(exposed.url);
  const pid = Number(await client.text('pid'));
  await until('it is gone', () => !isAlive(pid));
  expect(Number(await client.text('pid'))).not.toBe(pid);
});

test('a banner on standard output is ignored, and a flood on standard error is drained', async () => {
  const { url } = await expose(['--banner']);
  const client = await LegacyClient.begin(url);
  expect(await client.text('noise', { line: 'x'.repeat(1_000), times: 20_000 })).toBe('said');
});

test('an answer that is no message ends its call', async () => {
  const { url } = await expose();
  const client = await LegacyClient.begin(url);
  const answer = await client.call('raw', { line: '{"jsonrpc":"2.0","id":"ID","error":"no"}' });
  expect(errorIn(answer).message).toContain('no message');
});

test('a line that is too long ends the child with an error, and no more than its limit is held', async () => {
  const { url } = await expose([], { restart, limits: { maxLineBytes: 100_000 } });
  const client = await LegacyClient.begin(url);
  expect(errorIn(await client.call('big', { bytes: 200_000 })).message).toContain('100000 bytes');
  await until('it is started again', async () => (await client.call('echo')).text.includes('content'));
});

test('the environment of a child is a short list and what the operator has named', async () => {
  process.env['EXPOSE_TEST_SECRET'] = 'stays here';
  process.env['EXPOSE_TEST_NAMED'] = 'named';
  try {
    const { url } = await expose([], { env: { EXPOSE_TEST_NAMED: undefined, GIVEN: 'value' } });
    const client = await LegacyClient.begin(url);
    const names = JSON.parse(await client.text('environment')) as string[];
    expect(names).toEqual(expect.arrayContaining(['PATH', 'EXPOSE_TEST_NAMED', 'GIVEN']));
    expect(names).not.toContain('EXPOSE_TEST_SECRET');
    const allowed =
      /^(?:HOME|LANG|LC_ALL|LC_CTYPE|LOGNAME|PATH|SHELL|TERM|TMPDIR|TZ|USER|EXPOSE_TEST_NAMED|GIVEN|NODE_COMPILE_CACHE)$/u;
    expect(names.filter((name) => !allowed.test(name))).toEqual([]);
    expect(await client.text('env', { name: 'EXPOSE_TEST_NAMED' })).toBe('"named"');
  } finally {
    delete process.env['EXPOSE_TEST_SECRET'];
    delete process.env['EXPOSE_TEST_NAMED'];
  }
});

test('one user has no more children than one may have; of those that are not in use, the longest idle gives way', async () => {
  const { url } = await expose([], { limits: { maxChildrenPerUser: 2 } });
  const capabilities = { roots: {} };
  const clients = await Promise.all([1, 2].map(() => LegacyClient.begin(url, { capabilities })));
  const pids = await Promise.all(clients.map(async (client) => Number(await client.text('pid'))));
  const third = await LegacyClient.begin(url, { capabilities });
  await until('the first has given way', () => !isAlive(pids[0] as number));
  expect(isAlive(pids[1] as number)).toBe(true);
  // It is not lost by that.
  expect(await clients[0]?.text('echo')).toBe('{}');
  const waits = [clients[0], third].map(async (client) => client?.call('wait'));
  await until('both are in use', async () => {
    const refused = await new LegacyClient(url).send({
      id: 1,
      method: 'initialize',
      params: { capabilities },
    });
    return (
      refused.status === 503 && JSON.stringify(errorIn(refused).data).includes('ERR_POSTERN_EXPOSE_LIMIT')
    );
  });
  for (const client of [clients[0], third]) {
    await fetch(url, { method: 'DELETE', headers: (client as LegacyClient).headers });
  }
  await Promise.all(waits);
});
