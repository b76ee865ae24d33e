import { glob, readFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { z } from 'zod';
import { expectedOutcome, readOutcome } from './expected-outcomes.ts';
import type { Side } from './requirement-set.ts';

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
  /** Whether a check of the scenario's own came to a verdict. */
  readonly checked: boolean;
  /** Failed checks, and the suite's warnings: neither is let through. */
  readonly failures: readonly string[];
  /** How a client ended, and how it must. A server goes on. */
  readonly ended?: { readonly outcome: string; readonly expected: string } | undefined;
  readonly stderr: string;
}

/** The suite puts this check beside those of every scenario that has seen a message. */
const schemaCheck = 'wire-schema-valid';

/** The other statuses, `INFO` and `SKIPPED`, say nothing. */
const verdicts = new Set(['SUCCESS', 'FAILURE', 'WARNING']);

/** A scenario passes when it has checked something, nothing failed, and a client ended as it must. */
export function hasPassed({ checked, passed, failures, ended }: ScenarioResult): boolean {
  return checked && passed > 0 && failures.length === 0 && ended?.outcome === ended?.expected;
}

/** Reads the results of a run, by scenario. One that has left none is not among them. */
export async function readResults(
  directory: string,
  side: Side,
): Promise<ReadonlyMap<string, ScenarioResult>> {
  const results = new Map<string, ScenarioResult>();
  for await (const path of glob('**/checks.json', { cwd: directory })) {
    const scenario = scenarioOf(dirname(path), side);
    const read = (name: string): Promise<string> => readFile(join(directory, dirname(path), name), 'utf8');
    const checks = z.array(check).parse(JSON.parse(await read('checks.json')));
    results.set(scenario, {
      scenario,
      passed: checks.filter(({ status }) => status === 'SUCCESS').length,
      checked: checks.some(({ id, status }) => id !== schemaCheck && verdicts.has(status)),
      failures: checks
        .filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
        .map(({ id, status, description = '', errorMessage = '' }) =>
          `${status} ${id}: ${description} ${errorMessage}`.trimEnd(),
        ),
      ...(side === 'client'
        ? {
            ended: { outcome: readOutcome(await read('stdout.txt')), expected: expectedOutcome(scenario) },
            stderr: await read('stderr.txt'),
          }
        : { stderr: '' }),
    });
  }
  return results;
}

/** The suite adds the time of the run to the scenario's name, and before a server's says that it is one. */
function scenarioOf(folder: string, side: Side): string {
  const name = folder
    .split(sep)
    .join('/')
    .replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/u, '');
  return side === 'server' ? name.replace(/^server-/u, '') : name;
}
