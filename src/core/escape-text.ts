/** Everything that a terminal or a page would not show as it is: controls, and what changes the direction of what follows. */
const unshown = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Foreign text as one bounded line, in which every character that does something shows as an escape. */
export function escapeText(text: string, maxLength: number): string {
  const escaped = text.slice(0, maxLength).replaceAll(unshown, escapeCharacter);
  return text.length > maxLength || escaped.length > maxLength ? `${escaped.slice(0, maxLength)}…` : escaped;
}

function escapeCharacter(character: string): string {
  if (character === '\n') return '\\n';
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
