import type { Command } from 'commander';
import { PosternError } from '../../core/postern-error.ts';
import { runCommand } from '../run-command.ts';

/** `postern logout`. */
export function defineLogout(command: Command): void {
  command.action(() =>
    runCommand(command, async () => {
      throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', 'this version has no such command yet');
    }),
  );
}
