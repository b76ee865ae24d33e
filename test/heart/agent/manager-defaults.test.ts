import { expect, test } from 'vitest';
import { ClientManager, isAuthorizationRequired } from '../../../src/client/index.ts';
import { isPosternError, MemoryBackend } from '../../../src/index.ts';
import { userOf } from '../../support/page-host.ts';
import { openStage } from '../../support/stage.ts';

const servers = { calendar: { url: 'https://calendar.example/mcp' } };
const own = { storage: new MemoryBackend(), publicUrl: 'https://bot.example/postern', verifyUser: userOf };

test('a client manager makes the coordinator that it is given no other than', async () => {
  const stage = await openStage();
  await using manager = new ClientManager(
    { calendar: { url: stage.calendar.url } },
    { storage: new MemoryBackend(), publicUrl: 'https://bot.example/postern', verifyUser: userOf },
  );
  const client = await manager.getClient('alice');
  const error: unknown = await client.callTool('whoami').catch((reason: unknown) => reason);
  if (!isAuthorizationRequired(error)) throw error;
  expect(error.challenge.url.startsWith('https://bot.example/postern/connect/')).toBe(true);
  // It is what answers for that link.
  const answer = await manager.fetch(new Request(error.challenge.url));
  expect([answer.status, manager.fetch]).toEqual([401, manager.coordinator.fetch]);
});

test.each<[string, unknown, RegExp]>([
  ['nothing at all', undefined, /"storage", "publicUrl", "verifyUser"/u],
  ['none of what it needs', {}, /"storage", "publicUrl", "verifyUser"/u],
  ['no storage', { ...own, storage: undefined }, /"storage"/u],
  ['a storage that is none', { ...own, storage: {} }, /"storage"/u],
  ['no public address', { ...own, publicUrl: undefined }, /"publicUrl"/u],
  ['a public address that is none', { ...own, publicUrl: '/postern' }, /"publicUrl"/u],
  ['nobody who says who is there', { ...own, verifyUser: undefined }, /"verifyUser"/u],
  ['a person in place of a check', { ...own, verifyUser: 'alice' }, /"verifyUser"/u],
  ['a coordinator that is none', { coordinator: {} }, /"coordinator"/u],
])('a client manager that is given %s says which option it is', (_, options, named) => {
  let error: unknown;
  try {
    expect(new ClientManager(servers, options as never)).toBeUndefined();
  } catch (reason) {
    error = reason;
  }
  if (!isPosternError(error, 'ERR_POSTERN_CONFIG_MISCONFIGURED')) throw error;
  expect(error.message).toMatch(named);
  expect(error.hint).toMatch(/\.$/u);
});

test('its people go back to where the metadata of their context says', async () => {
  const stage = await openStage({
    coordinator: { returnTo: ({ metadata }) => `/threads/${(metadata as { thread: string }).thread}` },
  });
  await stage.manager.getClient('alice', { thread: '7' });
  const { url } = await stage.linkOf('alice');
  stage.as.approveAs('alice');
  const page = await (await stage.host.openBrowser('alice')).open(url);
  expect([page.status, page.html.includes(`href="${stage.host.origin}/threads/7"`)]).toEqual([200, true]);
});
