/** A shorter piece of a value says nothing. */
const pieceLength = 8;

/** A value that must not be told, as it is and as it is often written. */
export function spellingsOf(value: string): readonly string[] {
  // Nobody hides anything in one or two characters, and they are everywhere.
  if (value.length < 3) return [];
  const binary = String.fromCharCode(...new TextEncoder().encode(value));
  const base64 = btoa(binary).replace(/=+$/u, '');
  const base64url = base64.replaceAll('+', '-').replaceAll('/', '_');
  return [
    ...new Set([value, encodeURIComponent(value), base64, base64url, JSON.stringify(value).slice(1, -1)]),
  ];
}

/**
 * A text in which whatever is a secret, or a piece of one, is blotted out.
 *
 * @param secrets as {@link spellingsOf} has them.
 */
export function blottedOut(text: string, secrets: readonly string[]): string {
  const isSecret = new Uint8Array(text.length);
  for (const secret of secrets) {
    const size = Math.min(pieceLength, secret.length);
    for (let from = 0; from + size <= secret.length; from++) {
      const piece = secret.slice(from, from + size);
      for (let at = text.indexOf(piece); at !== -1; at = text.indexOf(piece, at + 1))
        isSecret.fill(1, at, at + size);
    }
  }
  let clean = '';
  for (let at = 0; at < text.length; at++) {
    if (isSecret[at] !== 1) clean += text[at];
    else if (isSecret[at - 1] !== 1) clean += '[configured]';
  }
  return clean;
}
