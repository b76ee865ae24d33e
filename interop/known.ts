import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { columns, type Column } from './columns.ts';
import { peerPath } from './row.ts';

/** What shows that it is the peer's: where it is said how it should be, and what went over the wire. */
const evidence = z.strictObject({
  specification: z.string().min(1),
  exchange: z.array(z.string().min(1)).min(1),
});

/** Nobody is said to be at fault without evidence. */
const knownCell = z.discriminatedUnion('fault', [
  z.strictObject({ fault: z.literal('peer'), reason: z.string().min(1), evidence }),
  z.strictObject({ fault: z.enum(['ours', 'not applicable']), reason: z.string().min(1) }),
]);
const knownFile = z.record(z.string(), z.partialRecord(z.enum(columns), knownCell));

/** Why a cell is known not to hold, and whose fault that is. */
export type KnownCell = z.infer<typeof knownCell>;
export type KnownCells = Partial<Record<Column, KnownCell>>;

/** What `known.json` beside a peer says, by the names of its rows. @throws {z.ZodError} when it cannot be read. */
export function readKnown(folder: string): Readonly<Record<string, KnownCells>> {
  const path = peerPath(folder, 'known.json');
  if (!existsSync(path)) return {};
  return knownFile.parse(JSON.parse(readFileSync(path, 'utf8')));
}
