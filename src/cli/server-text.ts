import { escapeText } from '../core/escape-text.ts';

/** What a server says, as a terminal may be given it: of what does something to it, only lines and columns are left. */
export function serverText(text: string): string {
  return text
    .split('\n')
    .map((line) =>
      line
        .split('\t')
        .map((part) => escapeText(part.replace(/\r$/u, ''), Number.POSITIVE_INFINITY))
        .join('\t'),
    )
    .join('\n');
}

/** The same in one line of at most so many characters. */
export function serverLine(text: string, maxLength: number): string {
  return escapeText(text.replaceAll(/\s+/gu, ' ').trim(), maxLength);
}
