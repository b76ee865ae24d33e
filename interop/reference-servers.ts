import { join } from 'node:path';
import type { Program } from './child.ts';
import type { StdioProgram } from './hop-programs.ts';
import { peerPath } from './row.ts';

/** A public server, with one tool of it. */
export interface ReferenceServer {
  readonly name: string;
  readonly stdio: StdioProgram;
  /** The same server at `/mcp` of a port, where it can listen itself. */
  readonly http?: (port: number) => Program;
  readonly tool: { readonly name: string; readonly arguments: object };
  /** What the tool answers. */
  readonly answer: RegExp;
}

/** The public servers that whoever makes clients tries first. What they keep, they keep in the directory. */
export function referenceServers(directory: string): readonly [ReferenceServer, ...ReferenceServer[]] {
  const script = (name: string): string =>
    peerPath('reference-servers', `node_modules/@modelcontextprotocol/server-${name}/dist/index.js`);
  return [
    {
      name: 'everything',
      stdio: { script: script('everything'), args: ['stdio'] },
      http: (port) => ({
        script: script('everything'),
        args: ['streamableHttp'],
        env: { PORT: String(port) },
        port,
      }),
      tool: { name: 'echo', arguments: { message: 'ahoy' } },
      answer: /ahoy/u,
    },
    {
      name: 'filesystem',
      stdio: { script: script('filesystem'), args: [peerPath('reference-servers')] },
      tool: { name: 'list_directory', arguments: { path: peerPath('reference-servers') } },
      answer: /package\.json/u,
    },
    {
      name: 'memory',
      stdio: { script: script('memory'), env: { MEMORY_FILE_PATH: join(directory, 'memory.jsonl') } },
      tool: { name: 'read_graph', arguments: {} },
      answer: /entities/u,
    },
  ];
}
