import { spawn } from 'node:child_process';

/** Anything a shell could take for more than a letter. */
const shellCharacters = /[^\w\-./:?=%~+,@[\]]/gu;

/** An opener that runs longer than this has become the browser, or waits for it. */
const openingMs = 5_000;

/**
 * Opens a URL in the person's browser. Returns whether its opener ended well, or still runs after five seconds.
 *
 * No shell sees the URL, it never starts an argument with `-`, and what a shell could act on is percent-encoded,
 * since some openers are scripts that hand it on.
 */
export async function openBrowser(text: string): Promise<boolean> {
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return false;
  const safe = url.href.replaceAll(shellCharacters, (character) =>
    character === '&' && process.platform !== 'win32' ? character : percentEncode(character),
  );
  const [command, args]: [string, string[]] =
    process.platform === 'darwin'
      ? ['open', [safe]]
      : process.platform === 'win32'
        ? ['rundll32.exe', ['url.dll,FileProtocolHandler', url.href]]
        : ['xdg-open', [safe]];
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'ignore', detached: true, shell: false });
    const timer = setTimeout(() => resolve(true), openingMs);
    timer.unref();
    const settle = (isOpen: boolean): void => {
      clearTimeout(timer);
      resolve(isOpen);
    };
    child.once('error', () => settle(false));
    child.once('exit', (code) => settle(code === 0));
    child.unref();
  });
}

/** `encodeURIComponent` leaves quotes and brackets as they are. What is here is ASCII: a URL has encoded the rest. */
function percentEncode(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
