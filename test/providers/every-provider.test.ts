import { describe, expect, test } from 'vitest';
import { providers } from '../../src/oauth/profiles/providers.ts';
import { fakes } from './fakes.ts';
import { openProviderStage } from './provider-stage.ts';

const table = Object.entries(fakes).map(([name, create]) => [name, create().source, create] as const);

describe.each(table)('%s, as met in %s,', (_name, _source, create) => {
  test('signs a person in, has their grant refreshed twice where it can be, and revokes it where it can', async () => {
    const provider = create();
    const stage = await openProviderStage(provider);
    expect((await stage.walk()).status).toBe(200);
    expect(await stage.call()).toBe('user-1');
    if (provider.cannotRefresh === true) {
      stage.as.tokens.expireAccessTokens();
      expect((await stage.walk()).status).toBe(200);
      expect(stage.as.count('refresh')).toBe(0);
    } else {
      for (let refreshes = 1; refreshes <= 2; refreshes++) {
        stage.as.tokens.expireAccessTokens();
        expect(await stage.call()).toBe('user-1');
      }
      expect(stage.as.count('authorize')).toBe(1);
    }
    expect(await stage.call()).toBe('user-1');
    const { server } = await stage.client.logout();
    expect(server?.revoked).toBe(provider.revocation !== 'unsupported');
    expect(stage.as.tokens.families.at(-1)?.revoked).toBe(provider.revocation !== 'unsupported');
    const log = stage.logger.lines.join('\n');
    expect(log).not.toContain('CNRY');
  });
});

test('every provider with a profile has a fake', () => {
  const named = Object.keys(fakes);
  const without = providers.filter(({ name }) => !name.split(' and ').every((each) => named.includes(each)));
  expect(without.map(({ name }) => name)).toEqual([]);
});
