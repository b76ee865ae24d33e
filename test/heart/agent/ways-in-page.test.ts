import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Client } from '../../../src/client/index.ts';

test('every configuration on the page of ways in is one', () => {
  const text = readFileSync(new URL('../../../docs/ways-in.md', import.meta.url), 'utf8');
  const auths = [...text.matchAll(/`(\{ "type": .*?\})` \|/gu)].map(([, json]) => json ?? '');
  expect(auths).toHaveLength(5);
  for (const json of auths) {
    const auth = JSON.parse(json) as { type: 'none' };
    expect(() => new Client({ calendar: { url: 'https://calendar.example/mcp', auth } }), json).not.toThrow();
  }
});
