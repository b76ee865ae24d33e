import { fileURLToPath } from 'node:url';
import type { Program } from './child.ts';

const postern = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

/** A program that speaks MCP over stdio. */
export interface StdioProgram {
  readonly script: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** How a host starts the bridge to a server. */
export function bridgeTo(url: string): { readonly command: string; readonly args: readonly string[] } {
  return { command: process.execPath, args: [postern, 'bridge', url] };
}

/** The program that serves a program of stdio at `/mcp` of a port. */
export function exposing(port: number, { script, args = [], env = {} }: StdioProgram): Program {
  const named = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  return {
    script: postern,
    args: ['expose', '--port', String(port), ...named, '--', process.execPath, script, ...args],
    port,
  };
}
