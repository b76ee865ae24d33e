import { glob, readFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { z } from 'zod';
import { expectedOutcome, readOutcome } from './expected-outcomes.ts';

const check = z.looseObject({
  id: z.string(),
  status: z.string(),
  description: z.string().optional(),
  errorMessage: z.string().optional(),
});

/** What one scenario came to, by the checks it wrote down. */
export interface ScenarioResult {
  readonly scenario: string;
  readonly passed: number;
  /** Failed checks, and the suite's warnings: neither is let through. */
  readonly failures: readonly string[];
  readonly outcome: string;
  readonly stderr: string;
}

/** A scenario passes when it has checked something, nothing failed, and the client ended as it must. */
export function hasPassed({ scenario, passed, failures, outcome }: ScenarioResult): boolean {
  return passed > 0 && failures.length === 0 && outcome === expectedOutcome(scenario);
}

/** Reads the results of a run, by scenario. One that has left none is not among them. */
export async function readResults(directory: string): Promise<ReadonlyMap<string, ScenarioResult>> {
  const results = new Map<string, ScenarioResult>();
  for await (const path of glob('**/checks.json', { cwd: directory })) {
    // The suite adds the time of the run to the scenario's name.
    const scenario = dirname(path)
      .split(sep)
      .join('/')
      .replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/u, '');
    const read = (name: string): Promise<string> => readFile(join(directory, dirname(path), name), 'utf8');
    const checks = z.array(check).parse(JSON.parse(await read('checks.json')));
    results.set(scenario, {
      scenario,
      passed: checks.filter(({ status }) => status === 'SUCCESS').length,
      failures: checks
        .filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
        .map(({ id, status, description = '', errorMessage = '' }) =>
          `${status} ${id}: ${description} ${errorMessage}`.trimEnd(),
        ),
      outcome: readOutcome(await read('stdout.txt')),
      stderr: await read('stderr.txt'),
    });
  }
  return results;
}
