import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSync } from 'rolldown/utils';

/** One exported name. */
export interface Declared {
  /** The declarations file it stands in. */
  readonly file: string;
  readonly isValue: boolean;
  /** Its declarations without comments and private members, in the order in which they stand. */
  readonly text: string;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

interface Statement extends Node {
  readonly declaration?: (Node & { id?: { name: string }; declarations?: { id: { name: string } }[] }) | null;
  readonly source?: { value: string } | null;
  readonly exported?: { name: string } | null;
  readonly specifiers?: readonly { local: { name: string }; exported: { name: string } }[];
}

/** Follows the exports of a declarations file to where each name is declared. */
export function exportedDeclarations(file: string): Map<string, Declared> {
  const found = new Map<string, Declared>();
  const { source, body, comments } = parsed(file);
  for (const statement of body) {
    const from = statement.source && join(dirname(file), statement.source.value.replace(/\.ts$/u, '.d.ts'));
    if (statement.type === 'ExportAllDeclaration' && from) {
      for (const [name, declared] of exportedDeclarations(from)) found.set(name, declared);
    } else if (statement.type === 'ExportNamedDeclaration' && from) {
      const there = exportedDeclarations(from);
      for (const { local, exported } of statement.specifiers ?? []) {
        const declared = there.get(local.name);
        if (declared === undefined) throw new Error(`${file} exports ${local.name}, which ${from} does not`);
        found.set(exported.name, declared);
      }
    } else if (statement.type === 'ExportNamedDeclaration' && statement.declaration) {
      const { declaration } = statement;
      const names = declaration.id
        ? [declaration.id.name]
        : declaration.declarations!.map(({ id }) => id.name);
      const text = withoutComments(source, statement, comments);
      for (const name of names) {
        const before = found.get(name);
        found.set(name, {
          file,
          isValue: before?.isValue === true || !/^TS(?:Interface|TypeAlias)/u.test(declaration.type),
          text: before ? `${before.text}\n${text}` : text,
        });
      }
    }
  }
  return found;
}

const files = new Map<string, { source: string; body: readonly Statement[]; comments: readonly Node[] }>();

function parsed(file: string): { source: string; body: readonly Statement[]; comments: readonly Node[] } {
  const known = files.get(file);
  if (known !== undefined) return known;
  const source = readFileSync(file, 'utf8');
  const { program, comments, errors } = parseSync(file, source, { lang: 'dts' });
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const read = { source, body: program.body as unknown as readonly Statement[], comments };
  files.set(file, read);
  return read;
}

function withoutComments(source: string, { start, end }: Node, comments: readonly Node[]): string {
  let text = '';
  let at = start;
  for (const comment of comments) {
    if (comment.start < at || comment.end > end) continue;
    text += source.slice(at, comment.start);
    at = comment.end;
  }
  text += source.slice(at, end);
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s*(?:#private;|private\b)/u.test(line))
    .join('\n');
}
