/**
 * A text as the value of a header: as it is where that is safe, else in base64.
 *
 * @see MCP 2026-07-28, basic/transports/streamable-http, "Value encoding"
 */
export function headerText(text: string): string {
  const isPlain =
    /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/u.test(text) && !/^=\?base64\?.*\?=$/u.test(text);
  if (isPlain) return text;
  const bytes = new TextEncoder().encode(text);
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return `=?base64?${btoa(binary)}?=`;
}
