import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

/** The programs among the examples: each says itself by which command it starts. */
const programs = readdirSync(new URL('examples', root), { recursive: true, encoding: 'utf8' })
  .map((name) => `examples/${name}`)
  .filter((path) => path.endsWith('.ts'))
  .filter((path) => {
    const [first = ''] = read(path).split('*/', 1);
    return first.includes(`   node ${path}`) || first.includes(`\`node ${path}\``);
  });

test('examples/README.md lists every example by the one command that starts it, and no other', () => {
  const commands = read('examples/README.md').matchAll(/`node (?<path>examples\/[^`]+)`/gu);
  const listed = [...commands].map(({ groups }) => groups?.['path']);
  expect(programs.length).toBeGreaterThan(5);
  expect(new Set(listed)).toEqual(new Set(programs));
});
