/** Node's servers, among others, take 16 KiB for all the headers of a request together. */
const maxLength = 16_000;

/** Whether a header can carry it and a server take it: one line of Latin-1 without control characters, at most 16,000 long. */
export function isHeaderValue(text: string): boolean {
  return text.length <= maxLength && /^[\t\x20-\x7e\x80-\xff]*$/u.test(text);
}
