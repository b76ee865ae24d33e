import { readFileSync } from 'node:fs';

/** What a guide tells its reader to do, or what they will see, in its order. */
export type Block =
  | { readonly kind: 'program'; readonly name: string; readonly text: string }
  | { readonly kind: 'commands'; readonly lines: readonly string[] }
  | { readonly kind: 'output'; readonly lines: readonly string[] };

const kinds: Readonly<Record<string, Block['kind']>> = {
  ts: 'program',
  bash: 'commands',
  text: 'output',
};

/**
 * The fenced blocks of a guide: `ts` whole programs, which begin with their names, `bash` commands, and `text`, what is seen
 * of the commands right before it. An example that is no whole program is left out.
 */
export function readGuide(file: string): readonly Block[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const kind = kinds[/^```(?<language>\w+)$/u.exec(lines[at] ?? '')?.groups?.['language'] ?? ''];
    if (kind === undefined) continue;
    const end = lines.indexOf('```', at + 1);
    const content = lines.slice(at + 1, end);
    at = end;
    const name = programName(content[0]);
    if (kind !== 'program') blocks.push({ kind, lines: content.filter((line) => line !== '') });
    else if (name !== undefined) blocks.push({ kind, name, text: `${content.join('\n')}\n` });
  }
  return blocks;
}

/** The name that a whole program begins with. */
export function programName(firstLine = ''): string | undefined {
  return /^\/\/ (?<name>[\w-]+\.ts)$/u.exec(firstLine)?.groups?.['name'];
}

/** Lines that their author has to own: neither blank nor a comment. */
export function countLines(text: string): number {
  return text
    .replaceAll(/\/\*.*?\*\//gsu, '')
    .split('\n')
    .filter((line) => !/^\s*(?:\/\/.*)?$/u.test(line)).length;
}

/** Whether the lines of an `output` block are on a screen, in their order. `…` stands for anything within a line. */
export function isShown(expected: readonly string[], screen: string): boolean {
  let at = 0;
  const lines = screen.split(/\r?\n/u);
  return expected.every((line) => {
    const form = new RegExp(`^${line.split('…').map(literal).join('.*')}$`, 'u');
    const found = lines.findIndex((shown, index) => index >= at && form.test(shown.trimEnd()));
    at = found + 1;
    return found !== -1;
  });
}

function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/gu, String.raw`\$&`);
}
