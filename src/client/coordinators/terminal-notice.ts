import type { SignInLink } from './sign-in-link.ts';

/** The line by which a person at a terminal learns what they have to do, and until when. */
export function noticeOf({ url, server, alias, expiresAtMs, opens, ...code }: SignInLink): string {
  const account = alias === 'default' ? '' : ` as ${JSON.stringify(alias)}`;
  const what = `sign in to ${JSON.stringify(server)}${account}`;
  const until = `until ${clockTime(expiresAtMs)}`;
  const { userCode, verificationUri } = code;
  if (userCode !== undefined && verificationUri !== undefined)
    return `To ${what}, enter the code ${userCode} at ${verificationUri} (any device, ${until})`;
  if (opens) return `A browser opens to ${what}. If it does not: ${url} (${until})`;
  return `To ${what}, open ${url} (on this machine, ${until})`;
}

/** What a person is asked who declined a moment ago. */
export function declinedNotice(server: string, alias: string): string {
  const account = alias === 'default' ? '' : ` as ${JSON.stringify(alias)}`;
  return `You declined to sign in to ${JSON.stringify(server)}${account} a moment ago. Ask you again?`;
}

/** What a code for a camera is to say: only what another device can reach. */
export function scannable({ verificationUri, verificationUriComplete }: SignInLink): string | undefined {
  return verificationUriComplete ?? verificationUri;
}

/** In the time zone of whoever reads it. */
function clockTime(ms: number): string {
  const time = new Date(ms);
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}`;
}
