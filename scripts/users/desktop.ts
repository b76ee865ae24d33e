import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './until.ts';

/** A desktop whose browser is told to open an address: the opener of every Linux desktop, for a person who is played. */
export function openDesktop(scratch: string): { readonly programs: string; opened(): Promise<string> } {
  const programs = join(scratch, 'desktop');
  const told = join(programs, 'opened');
  mkdirSync(programs);
  writeFileSync(join(programs, 'xdg-open'), `#!/bin/sh\nprintf '%s\\n' "$1" > '${told}'\n`);
  chmodSync(join(programs, 'xdg-open'), 0o755);
  return {
    programs,
    opened: () =>
      until('a browser is opened', undefined, () => {
        try {
          const [address, end] = readFileSync(told, 'utf8').split('\n');
          if (end === undefined) return undefined;
          rmSync(told);
          return address;
        } catch {
          return undefined;
        }
      }),
  };
}
