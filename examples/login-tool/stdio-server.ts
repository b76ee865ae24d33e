/**
 * The server as an MCP client starts it, on stdin and stdout:
 *
 *   LOGIN_EXAMPLE='{"directory":…,"issuer":…,"calendarUrl":…,"weatherUrl":…}' node examples/login-tool/stdio-server.ts
 */
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { fixedNamespace } from '../../src/namespace/index.ts';
import { Oob, thisMachine } from '../../src/oob/index.ts';
import { openLocalStorage } from '../../src/storage/local.ts';
import { createLineLogger } from '../protected-server/line-logger.ts';
import { loginServer } from './login-server.ts';
import type { Services } from './stand-ins.ts';

const { directory, ...services } = JSON.parse(process.env['LOGIN_EXAMPLE'] ?? '{}') as Services & {
  readonly directory: string;
};

const oob = new Oob({
  storage: openLocalStorage(directory),
  // Whoever starts it on their machine is its one user.
  namespaces: fixedNamespace('me'),
  gate: thisMachine(),
  // Standard output is the protocol's; what is said there otherwise breaks it.
  logger: createLineLogger((line) => console.error(line)),
});

serveStdio(loginServer(oob, services));
process.stdin.once('end', () => void oob.close());
