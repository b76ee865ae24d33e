import type { Figure } from '../bench.ts';
import { median, middleHalf, ratios } from '../stats.ts';
import type { Series } from './measure-group.ts';

/** One thing that is measured of every program: the less, the better. */
interface Measure {
  readonly what: string;
  readonly unit: 'ms' | 'µs' | 'MiB';
  readonly of: (series: Series) => readonly number[];
}

const addedLatency: Measure = {
  what: 'added to a call',
  unit: 'µs',
  of: ({ callUs, directUs }) => callUs.map((value, round) => value - (directUs[round] ?? 0)),
};
const quickLatency: Measure = {
  what: 'added to a call, quickest tenth',
  unit: 'µs',
  of: ({ quickCallUs, quickDirectUs }) =>
    quickCallUs.map((value, round) => value - (quickDirectUs[round] ?? 0)),
};
const firstAnswer: Measure = {
  what: 'start to first answer',
  unit: 'ms',
  of: ({ startUps }) => startUps.map(({ answerMs }) => answerMs),
};
const firstCall: Measure = {
  what: 'start to first tool answered',
  unit: 'ms',
  of: ({ startUps }) => startUps.map(({ callMs }) => callMs),
};
const restMemory: Measure = {
  what: 'memory above bare Node',
  unit: 'MiB',
  of: ({ restMiB }) => [restMiB],
};
const usedMemory: Measure = {
  what: 'memory above bare Node, after all calls',
  unit: 'MiB',
  of: ({ usedMiB }) => [usedMiB],
};
const timePerCall: Measure = {
  what: 'time per call, 32 in flight',
  unit: 'µs',
  of: ({ callsPerSecond }) => callsPerSecond.map((value) => 1e6 / value),
};
const timePerKibibyte: Measure = {
  what: 'time per call of 1 KiB, 32 in flight',
  unit: 'µs',
  of: ({ kibibyteMessagesPerSecond }) => kibibyteMessagesPerSecond.map((value) => 1e6 / value),
};
const timePerNotification: Measure = {
  what: 'time per notification of 1 KiB',
  unit: 'µs',
  of: ({ notificationsPerSecond }) => notificationsPerSecond.map((value) => 1e6 / value),
};
const processorTime: Measure = {
  what: 'processor time per call, 32 in flight',
  unit: 'µs',
  of: ({ processorUsPerCall }) => processorUsPerCall,
};

/** The most that ours may be of a peer's. */
export type Aims = ReadonlyMap<Measure, number>;

/** What the bridge should be beside mcp-remote. */
export const bridgeAims: Aims = new Map([
  [firstAnswer, 1 / 3],
  [addedLatency, 1 / 3],
  [quickLatency, 1 / 3],
  [restMemory, 1 / 2],
]);

const measures = [
  firstAnswer,
  firstCall,
  addedLatency,
  quickLatency,
  timePerCall,
  timePerKibibyte,
  timePerNotification,
  processorTime,
  restMemory,
  usedMemory,
] as const;

/** What the gateway should be beside supergateway: less in everything. */
export const gatewayAims: Aims = new Map(measures.map((measure) => [measure, 1]));

/** Ours beside each peer, with the aims for the first of these; then everybody's own figures. */
export function figuresOf(all: readonly Series[], aims: Aims): Figure[] {
  const [ours, ...others] = all;
  // Without what is built there are peers alone.
  if (ours?.label.startsWith('postern') !== true) return all.flatMap(ownFigures);
  const isFirst = (peer: Series): boolean => peer === others[0];
  const relative = others.flatMap((peer) =>
    measures.flatMap((measure) => {
      const values = ratios(measure.of(ours), measure.of(peer));
      const aim = isFirst(peer) ? aims.get(measure) : undefined;
      return figure(`${ours.label} / ${peer.label}, ${measure.what}`, values, 'ratio', aim);
    }),
  );
  return [...relative, ...all.flatMap(ownFigures)];
}

function ownFigures(series: Series): Figure[] {
  const own = (what: string, values: readonly number[], unit: Figure['unit']): Figure[] =>
    figure(`${series.label}, ${what}`, values, unit);
  const of = (measure: Measure): Figure[] => own(measure.what, measure.of(series), measure.unit);
  return [
    ...of(firstAnswer),
    ...of(firstCall),
    ...own('the same in an empty home, first answer', [series.firstStartUp.answerMs], 'ms'),
    ...own('the same in an empty home, first tool', [series.firstStartUp.callMs], 'ms'),
    ...own('a call', series.callUs, 'µs'),
    ...own('the same call without it', series.directUs, 'µs'),
    ...of(addedLatency),
    ...of(quickLatency),
    ...own('calls, 32 in flight', series.callsPerSecond, '1/s'),
    ...own('calls of 1 KiB, 32 in flight', series.kibibyteMessagesPerSecond, '1/s'),
    ...own('notifications of 1 KiB', series.notificationsPerSecond, '1/s'),
    ...of(processorTime),
    ...of(restMemory),
    ...of(usedMemory),
  ];
}

function figure(label: string, values: readonly number[], unit: Figure['unit'], aim?: number): Figure[] {
  if (values.length === 0) return [];
  return [
    {
      label,
      value: median(values),
      unit,
      ...(values.length > 1 && { spread: middleHalf(values) }),
      ...(aim !== undefined && { aim }),
    },
  ];
}
