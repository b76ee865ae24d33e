import {
  createScanner,
  findNodeAtLocation,
  parse,
  parseTree,
  type Node,
  type ParseError,
} from 'jsonc-parser';
import { PosternError } from '../core/postern-error.ts';

const key = 'mcpServers';

/** The text of a host's file of servers, which is changed at one entry and nowhere else. */
export class ServersText {
  readonly text: string;
  readonly #root: Node;
  readonly #entries: Readonly<Record<string, unknown>>;

  /**
   * @param text an empty one is that of a file that is not there yet.
   * @param name of the file, for errors.
   * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when its host could not read it, or it is another sort of file.
   */
  constructor(text: string, name: string, { comments }: { readonly comments: boolean }) {
    this.text = text.trim() === '' ? '{}\n' : text;
    const errors: ParseError[] = [];
    const options = { disallowComments: !comments, allowTrailingComma: comments };
    const root = parseTree(unmarked(this.text), errors, options);
    const [error] = errors;
    if (error !== undefined || root === undefined) {
      const line = this.text.slice(0, error?.offset ?? 0).split('\n').length;
      throw broken(name, `is not JSON (line ${line})`);
    }
    if (root.type !== 'object') throw broken(name, 'is no JSON object');
    const entries = findNodeAtLocation(root, [key]);
    if (entries !== undefined && entries.type !== 'object') {
      throw broken(name, `has a ${JSON.stringify(key)} that is no object`);
    }
    this.#root = root;
    const document = parse(unmarked(this.text), [], options) as { [key]?: Record<string, unknown> };
    this.#entries = document[key] ?? {};
  }

  /** What the file has under that name. */
  entry(server: string): unknown {
    return Object.hasOwn(this.#entries, server) ? this.#entries[server] : undefined;
  }

  /** The text with another entry in place of what there is under that name; `undefined` takes it out. */
  with(server: string, entry: unknown): string {
    const text = unmarked(this.text);
    const mark = this.text.slice(0, this.text.length - text.length);
    const entries = findNodeAtLocation(this.#root, [key]);
    const found = findNodeAtLocation(this.#root, [key, server]);
    if (found !== undefined) {
      const { parent } = found;
      return mark + (entry === undefined ? without(text, parent!) : replaced(text, found, entry));
    }
    if (entry === undefined) return this.text;
    return (
      mark +
      (entries === undefined
        ? withProperty(text, this.#root, key, { [server]: entry })
        : withProperty(text, entries, server, entry))
    );
  }
}

/** Without the mark that some editors put before a text. */
function unmarked(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

/** A value as it stands at a place of that indentation. */
function written(value: unknown, text: string, indent: string): string {
  const eol = eolOf(text);
  return JSON.stringify(value, undefined, unitOf(text)).replaceAll('\n', `${eol}${indent}`);
}

function replaced(text: string, { offset, length }: Node, value: unknown): string {
  return text.slice(0, offset) + written(value, text, indentAt(text, offset)) + text.slice(offset + length);
}

/** Behind the last property, and behind what is said of that one in its own line. */
function withProperty(text: string, object: Node, name: string, value: unknown): string {
  const last = object.children?.at(-1);
  const outer = indentAt(text, object.offset);
  const indent = last === undefined ? outer + unitOf(text) : indentAt(text, last.offset);
  const line = `${eolOf(text)}${indent}${JSON.stringify(name)}: ${written(value, text, indent)}`;
  if (last === undefined) {
    const start = object.offset + 1;
    const end = object.offset + object.length - 1;
    // What stands between the braces is a comment at most.
    const inside = text.slice(start, end).trimEnd();
    return `${text.slice(0, start)}${inside}${line}${eolOf(text)}${outer}${text.slice(end)}`;
  }
  const behind = endOf(last);
  const comma = commaBehind(text, behind);
  const at = lineEndBehind(text, comma ?? behind);
  const before =
    comma === undefined ? `${text.slice(0, behind)},${text.slice(behind, at)}` : text.slice(0, at);
  // As the last one had it.
  return `${before}${line}${comma === undefined ? '' : ','}${text.slice(at)}`;
}

/** With its own lines, and one comma. */
function without(text: string, property: Node): string {
  const siblings = property.parent?.children ?? [];
  const previous = siblings[siblings.indexOf(property) - 1];
  const start =
    property.offset - (/(?:\r?\n)?[ \t]*$/u.exec(text.slice(0, property.offset))?.[0].length ?? 0);
  const comma = commaBehind(text, endOf(property));
  if (comma !== undefined) return text.slice(0, start) + text.slice(comma);
  const before = previous === undefined ? undefined : commaBehind(text, endOf(previous));
  const rest = text.slice(endOf(property));
  if (before === undefined) return text.slice(0, start) + rest;
  return text.slice(0, before - 1) + text.slice(before, start) + rest;
}

function endOf({ offset, length }: Node): number {
  return offset + length;
}

/** Where the comma ends that follows, if one does. */
function commaBehind(text: string, from: number): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(from);
  scanner.scan();
  return text[scanner.getTokenOffset()] === ',' ? scanner.getPosition() : undefined;
}

/** Behind a comment in the same line, if there is one. */
function lineEndBehind(text: string, from: number): number {
  return (
    from + (/^[ \t]*(?:\/\/[^\r\n]*|\/\*[^\r\n]*?\*\/)?/u.exec(text.slice(from))?.[0].trimEnd().length ?? 0)
  );
}

function indentAt(text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
  return /^[ \t]*/u.exec(line)?.[0] ?? '';
}

/** By how much the file is indented already. */
function unitOf(text: string): string {
  return /^[ \t]+(?=\S)/mu.exec(text)?.[0] ?? '  ';
}

function eolOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

function broken(name: string, what: string): PosternError {
  return new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', `${JSON.stringify(name)} ${what}`, {
    hint: 'Mend it in an editor first; it was left as it is.',
  });
}
