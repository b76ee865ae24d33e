import type { FindingFacts } from './report.ts';
import type { Specification } from './specification.ts';
import type { Step } from './step.ts';

/** One thing that is looked into. */
export interface Check<F extends string = string> {
  readonly id: string;
  readonly title: string;
  /** What is sent, or looked at. */
  readonly asks: string;
  /** How the verdict is formed. */
  readonly judges: string;
  readonly specification: readonly Specification[];
  /** Everything it can find. */
  readonly findings: Readonly<Record<F, FindingFacts>>;
  /** It is asked however late it is, in its own time: it takes back what others have done. */
  readonly always?: boolean | undefined;
  readonly run: (step: Step<F>) => Promise<void> | void;
}

/** Ties the names of a check's findings to what its `run` may find. */
export function defineCheck<const F extends string>(check: Check<F>): Check {
  return check;
}

/** What any check may come to. */
export const commonFindings: Readonly<Record<string, FindingFacts>> = {
  'examination.out-of-time': {
    severity: 'warning',
    fixedBy: 'server',
    meaning: 'A step was not over by its deadline.',
    fix: 'Find out why the other side takes so long.',
  },
  'examination.failed': {
    severity: 'warning',
    fixedBy: 'postern',
    meaning: 'A step ended in an error that nobody had foreseen.',
    fix: 'Report it, with the report in JSON.',
  },
};
