import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from '../bench.ts';
import { echo } from './caller.ts';
import { startContender } from './contender.ts';
import { memoryAboveNode } from './memory-above-node.ts';
import { manyServersSubject } from './subjects.ts';

const servers = 10;
const aim = 1.5;

/** What one process of ours takes that serves ten servers. */
export async function measureManyServers(
  origin: string,
  directory: string,
  peerMiB: number | undefined,
): Promise<Figure[]> {
  const urls = Array.from({ length: servers }, (_unused, index) => `${origin}/mcp/${index}`);
  const subject = manyServersSubject(urls);
  if (!existsSync(subject.script)) return [];
  const contender = await startContender(subject, '', join(directory, 'many'), servers);
  try {
    const { tools } = (await contender.caller.request('tools/list')) as { tools: { name: string }[] };
    const echoes = tools.map(({ name }) => name).filter((name) => name.endsWith('echo'));
    if (echoes.length !== servers)
      throw new Error(`${echoes.length} of ${servers} servers listed their tools`);
    for (const name of echoes) await echo(contender.caller, 'ahoy', name);
    const [value = Number.NaN] = await memoryAboveNode([contender]);
    return [
      { label: `${contender.label}, memory above bare Node`, value, unit: 'MiB' },
      ...(peerMiB === undefined
        ? []
        : [
            {
              label: `${contender.label} / one mcp-remote`,
              value: value / peerMiB,
              unit: 'ratio' as const,
              aim,
            },
          ]),
    ];
  } finally {
    await contender.close();
  }
}
