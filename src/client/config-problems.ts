import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/** What is wrong with a configuration, place by place, without quoting a value. */
export function configProblems(error: z.ZodError, root = 'config'): string {
  return error.issues
    .flatMap((issue) => problemsOf(issue, []))
    .map(({ path, code }) => `${path.map(String).join('.') || root}: ${code}`)
    .join('; ');
}

interface Problem {
  readonly path: readonly PropertyKey[];
  readonly code: string;
}

function problemsOf(issue: Issue, above: readonly PropertyKey[]): Problem[] {
  const path = [...above, ...issue.path];
  // Of several shapes, the one that came closest says where.
  if (issue.code === 'invalid_union') {
    const deepest = issue.errors
      .map((issues) => issues.flatMap((inner) => problemsOf(inner, path)))
      .toSorted((one, other) => depthOf(other) - depthOf(one))[0];
    if (deepest !== undefined && depthOf(deepest) > path.length) return deepest;
  }
  // A name that nobody knows, not its value: a misspelt option is found by it.
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...path, key.slice(0, 50)], code: 'unknown' }));
  return [{ path, code: issue.code === 'custom' ? issue.message : issue.code }];
}

function depthOf(problems: readonly Problem[]): number {
  return Math.max(0, ...problems.map(({ path }) => path.length));
}
