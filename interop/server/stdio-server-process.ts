/** The same server over stdio, on the store of the process that serves its pages. */
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { openSecretServer } from './open-secret-server.ts';

const [origin = '', directory = ''] = process.argv.slice(2);
serveStdio(openSecretServer({ directory, origin }).createServer);
process.stdin.once('close', () => process.exit(0));
