import { readFileSync } from 'node:fs';
import { PosternError } from '../core/postern-error.ts';
import { misuse } from './misuse.ts';

/** What a command line may say of headers. */
export interface HeaderOptions {
  /** `Name: value`. */
  readonly header?: readonly string[] | undefined;
  /** A file with one a line. */
  readonly headerFile?: string | undefined;
}

/**
 * The headers to send with every request, those of the file first. What stands as `${NAME}` is read from the environment.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when one has another form, or what it needs is not there.
 */
export function headersOf({ header = [], headerFile }: HeaderOptions): Record<string, string> {
  const lines = headerFile === undefined ? [] : linesOf(headerFile);
  return Object.fromEntries([...lines, ...header].map(headerIn));
}

function linesOf(file: string): string[] {
  try {
    const lines = readFileSync(file, 'utf8').split(/\r?\n/u);
    return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  } catch (cause) {
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      `the headers in ${JSON.stringify(file)} cannot be read`,
      {
        cause,
        hint: 'Is there such a file, and may you read it?',
      },
    );
  }
}

function headerIn(line: string): [string, string] {
  const at = line.indexOf(':');
  const name = line.slice(0, at).trim();
  if (at < 1 || !/^[!#$%&'*+\-.^_`|~\w]+$/u.test(name)) throw misuse('a header has the form "Name: value"');
  const value = line.slice(at + 1).trim();
  return [
    name,
    value.replaceAll(/\$\{(\w+)\}/gu, (_whole, variable: string) => {
      const found = process.env[variable];
      if (found !== undefined) return found;
      throw misuse(
        `the header ${JSON.stringify(name)} needs the environment variable ${JSON.stringify(variable)}`,
      );
    }),
  ];
}
