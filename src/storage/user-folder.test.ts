import { expect, test } from 'vitest';
import { userFolder } from './user-folder.ts';

const home = '/home/al';

test.each<[string, NodeJS.Platform, Record<string, string>, string]>([
  ['on Linux', 'linux', {}, '/home/al/.local/share/my-cli/postern'],
  ['where XDG says', 'linux', { XDG_DATA_HOME: '/data' }, '/data/my-cli/postern'],
  [
    'not where XDG says nothing usable',
    'linux',
    { XDG_DATA_HOME: 'data' },
    '/home/al/.local/share/my-cli/postern',
  ],
  ['on macOS', 'darwin', { XDG_DATA_HOME: '/data' }, '/home/al/Library/Application Support/my-cli/postern'],
  ['on Windows', 'win32', { LOCALAPPDATA: '/local' }, '/local/my-cli/postern'],
  ['on Windows without a word', 'win32', {}, '/home/al/AppData/Local/my-cli/postern'],
])('a program keeps its data %s', (_, platform, env, folder) => {
  expect(userFolder('my-cli', { platform, env, home })).toBe(folder);
});

test.each(['', '..', '.hidden', 'a/b', 'a\\b', 'é', 'x'.repeat(65)])('%j is no program', (name) => {
  expect(() => userFolder(name)).toThrow(
    expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }),
  );
});
