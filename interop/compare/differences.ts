import type { Exchange } from './conversation.ts';
import type { Message } from './wire.ts';

/** Something that is not the same both ways. */
export interface Difference {
  readonly about: string;
  /** Around the first character that differs. */
  readonly direct: string;
  readonly through: string;
}

export interface Comparison {
  readonly answers: number;
  readonly same: number;
  /** Answers that two direct runs do not agree on: they have the time or an id in them. */
  readonly varying: number;
  readonly differences: readonly Difference[];
}

/** Compares what came through a hop with what came without, byte for byte; `again` is a second run without. */
export function compare(
  direct: readonly Exchange[],
  again: readonly Exchange[],
  through: readonly Exchange[],
): Comparison {
  const differences: Difference[] = [];
  let varying = 0;
  for (const [index, { about, answer }] of direct.entries()) {
    const other = through[index]?.answer;
    // Two runs may lie within one second.
    const isTime = other !== undefined && withoutTimes(other) === withoutTimes(answer) && other !== answer;
    if (again[index]?.answer !== answer || isTime) varying++;
    else if (other !== answer) {
      differences.push(around(about, answer, other ?? 'nothing'));
    }
  }
  const answers = direct.length;
  const same = answers - varying - differences.length;
  // What the server says meanwhile may come a moment earlier or later: it is compared as a whole.
  const said = [direct, again, through].map(saidMeanwhile);
  if (String(said[0]) === String(said[1]) && String(said[0]) !== String(said[2])) {
    const [only, instead] = [without(said[0], said[2]), without(said[2], said[0])];
    differences.push({ about: 'what the server says meanwhile', direct: only, through: instead });
  }
  return { answers, same, varying, differences };
}

function withoutTimes(text: string): string {
  return text.replaceAll(/\d{1,2}:\d{2}:\d{2}/gu, '…');
}

function saidMeanwhile(exchanges: readonly Exchange[]): string[] {
  return exchanges.flatMap(({ meanwhile }) => meanwhile.map(withoutOwnId)).toSorted();
}

/** A request of the server's without its id: a hop between several clients and one server has to give it another. */
function withoutOwnId(text: string): string {
  const { id, method } = JSON.parse(text) as Message;
  return id === undefined || method === undefined
    ? text
    : text.replace(`"id":${JSON.stringify(id)}`, '"id":…');
}

function without(these: readonly string[] = [], those: readonly string[] = []): string {
  const left = [...those];
  const only = these.filter((text) => {
    const at = left.indexOf(text);
    if (at !== -1) left.splice(at, 1);
    return at === -1;
  });
  return only.map((text) => text.slice(0, 300)).join('\n') || 'nothing';
}

function around(about: string, direct: string, through: string): Difference {
  let at = 0;
  while (at < direct.length && direct[at] === through[at]) at++;
  const cut = (text: string): string => text.slice(Math.max(0, at - 60), at + 160);
  return { about, direct: cut(direct), through: cut(through) };
}
