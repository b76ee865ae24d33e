/** Where a value stands in a JSON text: from its first character to behind its last. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * Replaces one value of a JSON object and leaves every other character as it was: key order, escapes, and numbers that
 * JavaScript cannot hold.
 *
 * `text` must be JSON, as `JSON.parse` has found it to be. `undefined` when there is no such member, or when an object on
 * the way names a member twice: readers differ on which of the two counts, so such a text must not be handed on.
 *
 * @param path The names of the members that lead to the value.
 * @param json What takes its place, itself JSON.
 */
export function spliced(text: string, path: readonly string[], json: string): string | undefined {
  let at = blank(text, 0);
  let found: Span | undefined;
  for (const name of path) {
    if (text.charCodeAt(at) !== brace) return undefined;
    found = findMember(text, at, name);
    if (found === undefined) return undefined;
    at = found.from;
  }
  return found && text.slice(0, found.from) + json + text.slice(found.to);
}

/** Whether the outermost object names each of its members once. */
export function namesOnce(text: string): boolean {
  const at = blank(text, 0);
  return text.charCodeAt(at) === brace && membersOf(text, at) !== undefined;
}

const quote = 0x22;
const backslash = 0x5c;
const brace = 0x7b;
const closingBrace = 0x7d;
const bracket = 0x5b;
const closingBracket = 0x5d;

function findMember(text: string, at: number, name: string): Span | undefined {
  return membersOf(text, at)?.get(name);
}

/** The members of the object that begins at `at`; `undefined` when one is named twice. */
function membersOf(text: string, at: number): Map<string, Span> | undefined {
  const members = new Map<string, Span>();
  for (let next = blank(text, at + 1); text.charCodeAt(next) === quote; next = blank(text, next + 1)) {
    const end = stringEnd(text, next);
    const written = text.slice(next + 1, end - 1);
    const name = written.includes('\\') ? (JSON.parse(text.slice(next, end)) as string) : written;
    if (members.has(name)) return undefined;
    const from = blank(text, blank(text, end) + 1);
    const to = valueEnd(text, from);
    members.set(name, { from, to });
    next = blank(text, to);
  }
  return members;
}

/** Behind the value that begins at `at`. */
function valueEnd(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === quote) return stringEnd(text, at);
  if (first !== brace && first !== bracket) {
    scalarEnd.lastIndex = at;
    return scalarEnd.exec(text)?.index ?? text.length;
  }
  let depth = 0;
  let next = at;
  for (;;) {
    structure.lastIndex = next;
    const found = structure.exec(text);
    if (found === null) return text.length;
    const code = text.charCodeAt(found.index);
    next = code === quote ? stringEnd(text, found.index) : found.index + 1;
    if (code === brace || code === bracket) depth++;
    if (code === closingBrace || code === closingBracket) depth--;
    if (depth === 0) return next;
  }
}

const structure = /["{}[\]]/gu;
const scalarEnd = /[,}\]\s]/gu;

/** Behind the closing quote of the string that begins at `at`. */
function stringEnd(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === backslash) escapes++;
    if (escapes % 2 === 0) return end + 1;
  }
  return text.length;
}

function blank(text: string, at: number): number {
  let next = at;
  for (;;) {
    const code = text.charCodeAt(next);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return next;
    next++;
  }
}
