import type { SetUp } from './set-up.ts';

/**
 * An MCP server that one person's client has started, with links on this machine's gate.
 *
 * To be filled in by whoever builds that gate: `absent` goes, and `open` returns what `openRedirectServer` makes of two
 * instances on one store, of `createOob({ storage, namespaces: fixedNamespace(…), gate: localGate() })`, with browsers
 * that are signed in nowhere: the machine is the person.
 */
export const serverOnStdio: SetUp = {
  name: 'server on stdio',
  absent:
    'this machine’s gate can be used by an agent alone; a server’s face on it is not built yet (issue 7)',
  open() {
    throw new Error('this machine’s gate is not built yet');
  },
};
