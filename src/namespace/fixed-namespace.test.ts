import { expect, test } from 'vitest';
import { fixedNamespace } from './fixed-namespace.ts';

test('everybody is in the one namespace, whatever they send', async () => {
  const namespaces = fixedNamespace('me');
  const one = await namespaces.resolve({});
  expect(one).toEqual({ kind: 'user', id: 'me', partition: 'user:me' });
  await expect(namespaces.resolve({ token: 't', claims: { iss: 'i', sub: 's' } })).resolves.toEqual(one);
});

test.each(['', 'undefined', undefined, null, 7])('the id %j is refused when the provider is made', (id) => {
  expect(() => fixedNamespace(id as string)).toThrow(
    expect.objectContaining({ code: 'ERR_POSTERN_NAMESPACE_INVALID' }),
  );
});
