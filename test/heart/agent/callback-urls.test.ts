import { expect, onTestFinished, test } from 'vitest';
import { ClientManager, RemoteAuthCoordinator } from '../../../src/client/index.ts';
import { MemoryBackend, silentLogger } from '../../../src/index.ts';
import { openStage } from '../../support/stage.ts';
import { openPageHost, userOf } from '../../support/page-host.ts';
import { walk } from '../walk.ts';

interface Registered {
  readonly redirect_uris: readonly string[];
}

test('an application is registered for all its callbacks, and moves to another of them as the same client', async () => {
  const next = await openPageHost();
  onTestFinished(() => next.close());
  const callback = `${next.publicUrl}/callback`;
  const stage = await openStage({ coordinator: { callbackUrls: [callback] } });
  expect(stage.coordinator.callbackUrls).toEqual([`${stage.host.publicUrl}/callback`, callback]);
  await stage.signIn('alice');
  const asked = stage.as.calls.filter(({ kind }) => kind === 'register');
  expect(asked.map(({ text }) => (JSON.parse(text) as Registered).redirect_uris)).toEqual([
    [`${stage.host.publicUrl}/callback`, callback],
  ]);

  // The same store, at the other address, which knows where it has come from.
  const coordinator = new RemoteAuthCoordinator({
    storage: stage.storage,
    publicUrl: next.publicUrl,
    callbackUrls: [`${stage.host.publicUrl}/callback`],
    verifyUser: userOf,
    logger: silentLogger,
  });
  next.handlers.push(coordinator.fetch);
  const manager = new ClientManager({ calendar: { url: stage.calendar.url } }, { coordinator });
  onTestFinished(() => manager.close());
  const client = await manager.getClient('bob');
  await client.connect();
  const [challenge] = await client.getAuthChallenges();
  stage.as.approveAs('bob');
  const page = await walk(await next.openBrowser('bob'), challenge?.url ?? '');
  expect([page.status, stage.as.count('register')]).toEqual([200, 1]);
});

test('the document that says who the client is names every callback', async () => {
  const coordinator = new RemoteAuthCoordinator({
    storage: new MemoryBackend(),
    publicUrl: 'https://app.example/postern',
    callbackUrls: ['https://old.example/postern/callback'],
    verifyUser: userOf,
  });
  onTestFinished(() => coordinator.close());
  const answer = await coordinator.fetch(new Request('https://app.example/postern/client-metadata.json'));
  expect(((await answer.json()) as Registered).redirect_uris).toEqual([
    'https://app.example/postern/callback',
    'https://old.example/postern/callback',
  ]);
});

test.each([['http://old.example/callback'], ['not a url'], ['https://old.example/callback?x=1']])(
  'a further callback %j is refused at construction',
  (url) => {
    const options = {
      storage: new MemoryBackend(),
      publicUrl: 'https://app.example/postern',
      callbackUrls: [url],
      verifyUser: userOf,
    };
    expect(() => new RemoteAuthCoordinator(options)).toThrow(
      expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }),
    );
  },
);
