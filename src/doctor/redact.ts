import { escapeText } from '../core/escape-text.ts';

/** Shorter texts are no secrets, and would take ordinary words apart. */
const shortest = 6;

/** Makes what a server sent fit to be shown: one bounded line, without anything that was sent to it as a secret. */
export function redactor(
  secrets: readonly (string | undefined)[],
): (text: string, maxLength?: number) => string {
  const known = secrets
    .filter((secret): secret is string => secret !== undefined && secret.length >= shortest)
    .flatMap(spellingsOf)
    .toSorted((one, other) => other.length - one.length);
  return (text, maxLength = 300) => {
    let shown = text.slice(0, 20_000);
    for (const secret of known) shown = shown.replaceAll(secret, '…');
    return escapeText(shown, maxLength);
  };
}

/** A secret as it may come back: whole, without its scheme, encoded. */
function spellingsOf(secret: string): string[] {
  const bare = /^\w+ (?<rest>\S+)$/u.exec(secret)?.groups?.['rest'];
  const plain = [secret, ...(bare !== undefined && bare.length >= shortest ? [bare] : [])];
  return plain.flatMap((each) => [
    ...new Set([each, encodeURIComponent(each), encodeURIComponent(each).replaceAll('%20', '+')]),
  ]);
}
