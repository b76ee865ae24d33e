import { fileURLToPath } from 'node:url';
import type { Column, Findings } from './columns.ts';

/** One peer in one way of use: a line of the table. */
export interface Row {
  /** Unique, and what `known.json` names it by. */
  readonly name: string;
  readonly part: Part;
  /** The folder below `peers/`, with a lock file of its own unless it needs nothing but the development dependencies. */
  readonly folder: string;
  /** Whether it belongs to the short cut. */
  readonly short: boolean;
  /** Columns that say nothing about this row, and why. */
  readonly beside?: Partial<Record<Column, string>>;
  readonly run: () => Promise<Findings>;
}

export const parts = {
  authorization: 'Authorization servers, met by an agent',
  server: 'Servers without a login, met by an agent',
  client: 'Clients of a server that asks its person for a secret',
  hop: 'Clients of public servers, with the bridge or expose between them',
} as const;
export type Part = keyof typeof parts;

/** Columns that say nothing about a part, and why. */
export const beside: Readonly<Record<Part, Partial<Record<Column, string>>>> = {
  authorization: {},
  server: {
    login: 'There is no login.',
    expiry: 'There is no token.',
    revocation: 'There is no grant.',
    'registrations lost': 'Nobody is registered.',
    pages: 'Nobody is shown a page.',
  },
  client: {
    expiry: 'What the person gives does not expire.',
    'registrations lost': 'Nobody is registered.',
  },
  hop: {
    login: 'There is no login.',
    expiry: 'There is no token.',
    revocation: 'There is no grant.',
    'registrations lost': 'Nobody is registered.',
    pages: 'Nobody is shown a page.',
  },
};

export function peerPath(folder: string, file = ''): string {
  return fileURLToPath(new URL(`peers/${folder}/${file}`, import.meta.url));
}

/** What a line of the table says of a peer, with its script named from its folder. */
export type About<Peer> = Omit<Peer, 'script'> & {
  readonly folder: string;
  readonly script: string;
  readonly short?: boolean;
};
