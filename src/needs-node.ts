import { PosternError } from './core/postern-error.ts';

// Stands in a bundle for Workers, or for browsers, in the place of what only Node, Bun and Deno can do (`imports` of
// package.json), so that no built-in of theirs is in it. Whoever comes to it is told so.
throw new PosternError(
  'ERR_POSTERN_CONFIG_MISCONFIGURED',
  'this bundle was made for a runtime without processes, files and sockets, and something here needs one of them',
  {
    hint: 'Links to this machine, servers on stdio, secrets in files and "persist" need Node, Bun or Deno. Elsewhere use a RemoteAuthCoordinator, servers with a "url", and a store that is reached over the network.',
  },
);
