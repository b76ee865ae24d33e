import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatKillPoint, phases, type KillPoint, type Phase } from './kill-points.ts';
import type { StoryReport } from './story-report.ts';
import { tellStory } from './story.ts';
import { unsaved, violationsOf } from './story-rules.ts';
import { startWorld, type World } from './world.ts';

/** All kill points, or every third: which third is the same in every run. */
const isFull = process.env['POSTERN_CRASH'] === 'all';
const chosen = isFull ? 'killed at any point' : 'killed at every third point (POSTERN_CRASH=all: at any)';
const lanes = 2;
const limitMs = 240_000;

let worlds: World[] = [];
let undisturbed: StoryReport;
let toldStories = 0;
const tookMs: number[] = [];

beforeAll(async () => {
  const users = Array.from({ length: 300 }, (_, index) => `user${index}`);
  worlds = await Promise.all(Array.from({ length: lanes }, () => startWorld(users)));
  undisturbed = await tellStory(worlds[0]!, 'user0');
}, limitMs);

afterAll(async () => {
  await Promise.all(worlds.map((world) => world.close()));
  const slowest = Math.max(0, ...tookMs);
  console.log(
    `kill points: ${toldStories} stories with a crash, ${steps().length * 2} points in all, the slowest took ${slowest} ms`,
  );
});

/** Every step of an undisturbed story, in order. */
function steps(): { phase: Phase; step: number }[] {
  return phases.flatMap((phase) =>
    (undisturbed.steps.get(phase) ?? []).map((_, index) => ({ phase, step: index + 1 })),
  );
}

function killPointsOf(phase: Phase): KillPoint[] {
  const all = steps().flatMap((step) => [
    { ...step, side: 'before' as const },
    { ...step, side: 'after' as const },
  ]);
  return all.filter((point, index) => point.phase === phase && (isFull || index % 3 === 1));
}

/** Tells one story for each point, as many at a time as there are lanes. Returns what went wrong, by point. */
async function tellStories(points: readonly KillPoint[]): Promise<Record<string, string[]>> {
  const wrong: Record<string, string[]> = {};
  const left = [...points];
  await Promise.all(
    worlds.map(async (world) => {
      for (let point = left.shift(); point !== undefined; point = left.shift()) {
        const user = `user${++toldStories}`;
        const found = await tellStory(world, user, point).then(
          (report) => {
            tookMs.push(report.tookMs);
            return violationsOf(report, user, point).map(
              (violation) => `${violation} (died at ${report.lastStep})`,
            );
          },
          (error: unknown) => [error instanceof Error ? error.message : String(error)],
        );
        if (found.length > 0) wrong[formatKillPoint(point)] = found;
      }
    }),
  );
  return wrong;
}

describe('a story of two processes, in which one is killed', () => {
  test('with no crash it takes one registration, one code, one refresh and one answer to each question', () => {
    expect(violationsOf(undisturbed, 'user0', undefined)).toEqual([]);
    expect(undisturbed.deliveries.map(({ host }) => host)).toEqual(['victim', 'victim', 'victim']);
    expect([...undisturbed.steps.keys()]).toEqual(phases);
    // The rules make exceptions for what dies between two steps, which must be steps that there are.
    for (const { phase, request, commit } of Object.values(unsaved)) {
      const taken = undisturbed.steps.get(phase) ?? [];
      const kept = taken.findIndex((step) => step === commit || step.startsWith(`${commit} + `));
      expect([phase, taken.indexOf(request) + 1]).toEqual([phase, kept]);
      expect(kept, `${phase}: ${commit}`).toBeGreaterThan(0);
    }
  });

  test.for(phases)(
    `%s: ${chosen}, right before or after a step, nothing is lost and nobody is blocked`,
    { timeout: limitMs },
    async (phase) => {
      const points = killPointsOf(phase);
      expect(points).not.toEqual([]);
      expect(await tellStories(points)).toEqual({});
    },
  );
});
