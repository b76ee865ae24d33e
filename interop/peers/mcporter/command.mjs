// mcporter's command: what its user sees is what it prints.
import { fileURLToPath } from 'node:url';
import { drive, target } from '../../shared/client-driver.mjs';
import { runCommand } from '../../shared/run-command.mjs';

const script = fileURLToPath(new URL('node_modules/mcporter/dist/cli.js', import.meta.url));
const server =
  target.url === undefined
    ? ['--stdio', target.command, ...target.args.flatMap((arg) => ['--stdio-arg', arg])]
    : ['--http-url', target.url, '--allow-http'];

drive(() => runCommand(script, ['call', ...server, '--name', 'directory', 'whoami']));
