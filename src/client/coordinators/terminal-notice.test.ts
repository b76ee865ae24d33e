import { expect, test } from 'vitest';
import type { SignInLink } from './sign-in-link.ts';
import { noticeOf, scannable } from './terminal-notice.ts';

const link: SignInLink = {
  url: 'http://127.0.0.1:4100/connect/abc',
  server: 'calendar',
  alias: 'default',
  expiresAtMs: new Date(2026, 10, 25, 9, 5).getTime(),
  pendingId: 'abc',
  opens: false,
};
const code = { userCode: 'WDJB-MJHT', verificationUri: 'https://issuer.example/device' };

test.each<[string, Partial<SignInLink>, string]>([
  [
    'where no browser opens, the link',
    {},
    'To sign in to "calendar", open http://127.0.0.1:4100/connect/abc (on this machine, until 09:05)',
  ],
  [
    'where one opens, the link all the same',
    { opens: true },
    'A browser opens to sign in to "calendar". If it does not: http://127.0.0.1:4100/connect/abc (until 09:05)',
  ],
  [
    'of several accounts, which',
    { alias: 'work' },
    'To sign in to "calendar" as "work", open http://127.0.0.1:4100/connect/abc (on this machine, until 09:05)',
  ],
  [
    'a code, and where to enter it',
    code,
    'To sign in to "calendar", enter the code WDJB-MJHT at https://issuer.example/device (any device, until 09:05)',
  ],
])('a person is told, in one line with its end: %s', (_, more, line) => {
  expect(noticeOf({ ...link, ...more })).toBe(line);
});

test('a camera is shown what another device can reach, never this machine', () => {
  expect(scannable(link)).toBeUndefined();
  expect(scannable({ ...link, ...code })).toBe('https://issuer.example/device');
  const verificationUriComplete = 'https://issuer.example/device?code=WDJB-MJHT';
  expect(scannable({ ...link, ...code, verificationUriComplete })).toBe(verificationUriComplete);
});
