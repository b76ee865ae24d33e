import { expect, test } from 'vitest';
import { fixedNamespace, isPosternError, MemoryBackend } from '../../src/index.ts';
import { Oob } from '../../src/oob/index.ts';

const whole = {
  storage: new MemoryBackend(),
  namespaces: fixedNamespace('me'),
  publicUrl: 'https://server.example/oob',
  verifyUser: () => 'me',
};

test('all that a server needs is enough', () => {
  expect(() => new Oob(whole)).not.toThrow();
});

test.each<[string, unknown, RegExp]>([
  ['nothing at all', undefined, /"storage"/u],
  ['no storage', { ...whole, storage: undefined }, /"storage"/u],
  ['a path in place of a storage', { ...whole, storage: 'server.db' }, /"storage"/u],
  ['no way to tell whose data a call touches', { ...whole, namespaces: undefined }, /"namespaces"/u],
  ['no public address', { ...whole, publicUrl: undefined }, /"publicUrl"/u],
  ['nobody who says who is there', { ...whole, verifyUser: undefined }, /"verifyUser"/u],
])('a server that is given %s is told which option it is', (_, options, named) => {
  let error: unknown;
  try {
    void new Oob(options as never);
  } catch (reason) {
    error = reason;
  }
  if (!isPosternError(error, 'ERR_POSTERN_CONFIG_MISCONFIGURED')) throw error;
  expect(error.message).toMatch(named);
  expect(error.hint).toMatch(/\.$/u);
});
