import { spawn, type ChildProcess } from 'node:child_process';

/**
 * A shell that outlives this process for a moment, however it ends: it ends the process groups that it was told of when its
 * standard input does.
 */
const script = `
groups=
while read -r sign group; do
  case "$sign" in
    +) groups="$groups $group" ;;
    -) kept=
       for one in $groups; do [ "$one" = "$group" ] || kept="$kept $one"; done
       groups=$kept ;;
  esac
done
for group in $groups; do kill -TERM "-$group" 2>/dev/null; done
[ -z "$groups" ] || sleep 2
for group in $groups; do kill -KILL "-$group" 2>/dev/null; done
`;

/**
 * Ends children that this process cannot end any more: killed with -9, it runs no handler, and a child that does not heed
 * the end of its standard input would stay for ever.
 *
 * One shell of about a megabyte for all children. On Windows there is none: there, children end with their pipes or not at all.
 */
export class ProcessGuard {
  #shell: ChildProcess | undefined;
  readonly #groups = new Set<number>();
  #closed = false;

  watch(group: number): void {
    this.#groups.add(group);
    this.#tell(`+ ${group}`);
  }

  forget(group: number): void {
    if (this.#groups.delete(group)) this.#tell(`- ${group}`);
  }

  /** Call when no child runs any more. */
  close(): void {
    this.#closed = true;
    this.#shell?.stdin?.end();
    this.#shell = undefined;
  }

  #tell(line: string): void {
    if (process.platform === 'win32' || this.#closed) return;
    if (this.#shell === undefined) {
      this.#start();
      return;
    }
    this.#shell.stdin?.write(`${line}\n`);
  }

  #start(): void {
    // In a group of its own, so that what is sent to ours does not end it.
    const shell = spawn('/bin/sh', ['-c', script], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      env: {},
    });
    this.#shell = shell;
    const lost = (): void => {
      if (this.#shell === shell) this.#shell = undefined;
    };
    shell.on('error', lost).on('exit', lost);
    shell.stdin?.on('error', lost);
    shell.unref();
    (shell.stdin as unknown as { unref?: () => void } | null)?.unref?.();
    for (const group of this.#groups) shell.stdin?.write(`+ ${group}\n`);
  }
}
