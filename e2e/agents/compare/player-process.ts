/** One process of a host: a contender of the table, and what its parent has it do. */
import { answerParent } from '../../../test/support/answer-parent.ts';
import { contenders } from './contenders.ts';
import type { Ask, Surroundings } from './player.ts';

export type Asked =
  | { readonly answer: Ask }
  | { readonly pause: Ask }
  | { readonly goOn: Ask; readonly kept: string }
  | { readonly forge: Ask; readonly kept: string }
  | { readonly linkOf: string }
  | { readonly answered: true };

const [id, surroundings = '{}'] = process.argv.slice(2);
const contender = contenders.find((one) => one.id === id);
if (contender === undefined) throw new Error(`no contender ${JSON.stringify(id)}`);
const player = await contender.open(JSON.parse(surroundings) as Surroundings);

await answerParent(
  player.pages ?? (async () => new Response('Not found', { status: 404 })),
  async (asked: Asked) => {
    try {
      return { value: await play(asked) };
    } catch (error) {
      return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
  },
);

async function play(asked: Asked): Promise<unknown> {
  if ('answer' in asked) return player.answer(asked.answer);
  if ('pause' in asked) return player.pause(asked.pause);
  if ('goOn' in asked) return player.goOn(asked.goOn, asked.kept);
  if ('forge' in asked)
    return player.forge?.(asked.forge, asked.kept) ?? player.goOn(asked.forge, asked.kept);
  if ('linkOf' in asked) return player.linkOf?.(asked.linkOf);
  return player.answered?.() ?? 0;
}
