// The inspector's command line: what its user sees is what it prints.
import { fileURLToPath } from 'node:url';
import { drive, target, tool } from '../../shared/client-driver.mjs';
import { runCommand } from '../../shared/run-command.mjs';

const script = fileURLToPath(
  new URL('node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js', import.meta.url),
);
const server =
  target.url === undefined ? [target.command, ...target.args] : [target.url, '--transport', 'http'];

const args = Object.entries(tool.arguments).flatMap(([key, value]) => ['--tool-arg', `${key}=${value}`]);

drive(() =>
  runCommand(script, ['--cli', ...server, '--method', 'tools/call', '--tool-name', tool.name, ...args]),
);
