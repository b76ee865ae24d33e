import { expect, test } from 'vitest';
import { reachesBrowser } from './reaches-browser.ts';

test.each([
  ['a desktop', 'linux', { DISPLAY: ':0' }, true],
  ['a desktop without X', 'linux', { WAYLAND_DISPLAY: 'wayland-0' }, true],
  ['a container', 'linux', {}, false],
  ['a shell over SSH', 'linux', { SSH_CONNECTION: '1.2.3.4 5 6.7.8.9 22' }, false],
  [
    'a shell over SSH with a forwarded display',
    'linux',
    { SSH_TTY: '/dev/pts/0', DISPLAY: 'localhost:10.0' },
    true,
  ],
  [
    'an editor’s remote session, which brings an opener',
    'linux',
    { SSH_TTY: '/dev/pts/0', BROWSER: '/x/browser.sh' },
    true,
  ],
  ['Linux inside Windows', 'linux', { WSL_DISTRO_NAME: 'Debian' }, true],
  ['a Mac', 'darwin', {}, true],
  ['a Mac over SSH', 'darwin', { SSH_CONNECTION: '1.2.3.4 5 6.7.8.9 22' }, false],
  ['Windows', 'win32', {}, true],
  ['an empty display', 'linux', { DISPLAY: '' }, false],
])('a browser reaches %s: %s %j, %s', (_what, platform, env, expected) => {
  expect(reachesBrowser({ platform, env })).toBe(expected);
});
