import type { ServerConfig } from '../client/server-config.ts';
import type { Specification } from './specification.ts';

/** How bad a finding is: `problem` keeps people out, `warning` will hurt somebody some day, `note` is good to know. */
export type Severity = 'note' | 'warning' | 'problem';

/** Who can put a finding right. */
export type Party = 'server' | 'issuer' | 'organisation' | 'network' | 'person' | 'postern';

/** What came of a check: the worst of its findings, `ok` without any, `skipped` where it could not be asked. */
export type Verdict = 'ok' | Severity | 'skipped';

/** A part of a server's entry in a configuration of ours. */
export type Advice = Partial<
  Omit<Extract<ServerConfig, { readonly url: string; readonly connect?: never }>, 'connect'>
>;

/** One request, and what came back. Neither query nor body, and no secret. */
export interface Exchange {
  /** `POST https://calendar.example/mcp`. */
  readonly asked: string;
  /** What it was for, where the address does not say it. */
  readonly purpose?: string;
  /** The status, or what kept an answer from coming. */
  readonly came: string;
  readonly status?: number;
  /** The headers of the answer that tell something, cut short and without what was sent as a secret. */
  readonly headers: Readonly<Record<string, string>>;
  readonly durationMs: number;
}

/** Something that was found. */
export interface Finding {
  /** Never changes its meaning: `issuer.mismatch`. All of them are in `docs/doctor.md`. */
  readonly id: string;
  readonly severity: Severity;
  /** What is the matter here. */
  readonly what: string;
  /** What decides that it is wrong; left out where it is not against a specification. */
  readonly specification?: Specification;
  readonly fixedBy: Party;
  /** What whoever can put it right has to do. */
  readonly fix: string;
  /** What can be done until then. */
  readonly meanwhile?: string;
  /** The same as a part of the server's configuration, where it is one. */
  readonly configure?: Advice;
}

/** What is known of a finding before it is met. */
export interface FindingFacts {
  readonly severity: Severity;
  readonly fixedBy: Party;
  /** What it means, in general. */
  readonly meaning: string;
  /** What has to be done, unless where it is met says it better. */
  readonly fix: string;
  readonly specification?: Specification;
}

/** One step of an examination. */
export interface CheckReport {
  readonly check: string;
  readonly title: string;
  readonly verdict: Verdict;
  /** Why it was not asked. */
  readonly skipped?: string;
  readonly exchanges: readonly Exchange[];
  /** What was learnt, in words. */
  readonly facts: readonly string[];
  readonly findings: readonly Finding[];
}

/** What came of an examination. Data: it is printed by `printReport`. Members may be added to it, and keep their meaning. */
export interface DoctorReport {
  readonly version: 1;
  /** The address without its query. */
  readonly url: string;
  /** By the clock of this machine, ISO 8601. */
  readonly examinedAt: string;
  readonly durationMs: number;
  /** The worst of its checks. */
  readonly verdict: 'ok' | Severity;
  readonly counts: Readonly<Record<Severity, number>>;
  /** Whether the server answered at all. */
  readonly reached: boolean;
  readonly checks: readonly CheckReport[];
}

const ranks: Readonly<Record<Severity, number>> = { note: 1, warning: 2, problem: 3 };

/** The worst of some findings; `ok` without any. */
export function worstOf(findings: readonly Pick<Finding, 'severity'>[]): 'ok' | Severity {
  let worst: 'ok' | Severity = 'ok';
  for (const { severity } of findings) if (worst === 'ok' || ranks[severity] > ranks[worst]) worst = severity;
  return worst;
}

/** Every finding of a report, the worst first, else in the order in which they were found. */
export function findingsOf({ checks }: Pick<DoctorReport, 'checks'>): readonly Finding[] {
  return checks
    .flatMap(({ findings }) => findings)
    .toSorted((one, other) => ranks[other.severity] - ranks[one.severity]);
}
