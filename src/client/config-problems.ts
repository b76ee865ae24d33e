import type * as z from 'zod';
import { describeGiven, describeGivenAddress } from '../core/describe-given.ts';

type Issue = z.core.$ZodIssue;

/** What is wrong with a configuration. */
export interface ConfigProblems {
  /** Place by place: what is there, and what is expected. No value is quoted. */
  readonly words: string;
  /** Whether something is not there at all, or empty: a variable may not have been set. */
  readonly isMissing: boolean;
}

/** What is wrong with a configuration, as its schema found it. */
export function configProblems(error: z.ZodError, config: unknown, root = 'config'): ConfigProblems {
  const problems = error.issues.flatMap((issue) => problemsOf(issue, []));
  const told = problems.map(({ path, issue }) => {
    const given = path.reduce(valueAt, config);
    return { words: `${path.map(String).join('.') || root} ${wordsOf(issue, given)}`, given };
  });
  return {
    words: told.map(({ words }) => words).join('; '),
    isMissing: told.some(({ given }) => given === undefined || given === ''),
  };
}

interface Problem {
  readonly path: readonly PropertyKey[];
  readonly issue: Issue;
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
    return issue.keys.map((key) => ({ path: [...path, key.slice(0, 50)], issue }));
  return [{ path, issue }];
}

function depthOf(problems: readonly Problem[]): number {
  return Math.max(0, ...problems.map(({ path }) => path.length));
}

function valueAt(holder: unknown, key: PropertyKey): unknown {
  return typeof holder === 'object' && holder !== null && Object.hasOwn(holder, key)
    ? (holder as Record<PropertyKey, unknown>)[key]
    : undefined;
}

const types: Readonly<Record<string, string>> = {
  string: 'a text',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  boolean: 'true or false',
  number: 'a number',
};

function wordsOf(issue: Issue, given: unknown): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return 'is no option that is known';
    case 'custom':
      return issue.message;
    case 'invalid_format':
      return issue.format === 'url'
        ? `is ${describeGivenAddress(given)}, a whole http(s) address is expected`
        : `is ${describeGiven(given)}, another form is expected`;
    case 'invalid_type':
      return `is ${describeGiven(given)}, ${types[issue.expected] ?? `a ${issue.expected}`} is expected`;
    case 'invalid_value':
      return `is ${describeGiven(given)}, ${issue.values.map((value) => JSON.stringify(value)).join(' or ')} is expected`;
    case 'too_small':
      return `is ${describeGiven(given)}, a text is expected`;
    default:
      return `is ${describeGiven(given)}, and has none of the forms that are known`;
  }
}
