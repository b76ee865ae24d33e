import type { Command } from 'commander';

/** One command: what the list of commands says of it, and where the rest of it is. */
export interface CommandEntry {
  readonly summary: string;
  /** Loads what gives the command its arguments, options, help and action. What the action runs, that loads when it runs. */
  readonly load: () => Promise<(command: Command) => void>;
}

/**
 * Every command, in the order in which help lists them.
 *
 * Only the one that is asked for is loaded: `--help` and the first answer of `bridge` wait for no other.
 */
export const commands: Readonly<Record<string, CommandEntry>> = {
  login: {
    summary: 'sign in to a server',
    load: async () => (await import('./commands/login.ts')).defineLogin,
  },
  list: {
    summary: 'the servers, who is signed in, until when, and what is to be done next',
    load: async () => (await import('./commands/list.ts')).defineList,
  },
  logout: {
    summary: 'sign out, here and at the server',
    load: async () => (await import('./commands/logout.ts')).defineLogout,
  },
  tools: {
    summary: 'the tools of a server',
    load: async () => (await import('./commands/tools.ts')).defineTools,
  },
  call: {
    summary: 'call a tool',
    load: async () => (await import('./commands/call.ts')).defineCall,
  },
  doctor: {
    summary: 'find out what is wrong with a server, step by step',
    load: async () => (await import('./commands/doctor.ts')).defineDoctor,
  },
  bridge: {
    summary: 'serve a remote server on stdio, to a host that speaks nothing else',
    load: async () => (await import('./commands/bridge.ts')).defineBridge,
  },
  expose: {
    summary: 'serve a program on stdio over HTTP, one child for each user',
    load: async () => (await import('./commands/expose.ts')).defineExpose,
  },
  config: {
    summary: 'add a server to a desktop host, or remove it',
    load: async () => (await import('./commands/config.ts')).defineConfig,
  },
  keys: {
    summary: 'make, count, move and change the keys that seal a store',
    load: async () => (await import('./commands/keys.ts')).defineKeys,
  },
};
