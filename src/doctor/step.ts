import type { Clock } from '../core/clock.ts';
import type { OAuthHttp } from '../oauth/oauth-http.ts';
import type { ExamineOptions } from './examine-options.ts';
import type { Known } from './known.ts';
import type { McpAnswer, McpAsk } from './mcp-exchange.ts';
import type { Advice, CheckReport, Exchange, Finding, FindingFacts } from './report.ts';
import { worstOf } from './report.ts';

/** A finding where it is met. */
export interface Detail {
  /** What is the matter here. */
  readonly what: string;
  /** Default: what the check says in general. */
  readonly fix?: string | undefined;
  readonly fixedBy?: Finding['fixedBy'] | undefined;
  readonly meanwhile?: string | undefined;
  readonly configure?: Advice | undefined;
}

/** What a step may use. */
interface StepTools {
  readonly url: URL;
  readonly options: ExamineOptions;
  /** What the steps before have learnt, and what this one leaves to those after it. */
  readonly known: Known;
  /** Requests to authorization servers and for metadata, under the policy for them. */
  readonly http: OAuthHttp;
  /** One request to the MCP server. */
  readonly ask: (ask: McpAsk) => Promise<McpAnswer>;
  /** Makes what a server sent fit to be shown. */
  readonly redact: (text: string, maxLength?: number) => string;
  /** Aborts when the step's time is over. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
  /** Where people would be sent back to. */
  readonly redirectUri: string;
}

/** One check under way: what it may use, and where it writes down what it learns. */
export interface Step<F extends string = never> extends StepTools {
  /** Something that was learnt. */
  readonly fact: (text: string) => void;
  readonly find: (id: F, detail: Detail) => void;
  /** This could not be asked, and why. */
  readonly skip: (why: string) => void;
}

/** A step, and what has come of it. */
interface OpenedStep extends Step<string> {
  /** As of now. */
  readonly report: (check: { readonly id: string; readonly title: string }) => CheckReport;
}

/**
 * @param table everything that may be found.
 * @param exchanges what is asked on the way, as it is written down.
 */
export function openStep(
  tools: StepTools,
  table: Readonly<Record<string, FindingFacts>>,
  exchanges: readonly Exchange[],
): OpenedStep {
  const facts: string[] = [];
  const findings: Finding[] = [];
  let skipped: string | undefined;
  return {
    ...tools,
    fact: (text) => void facts.push(text),
    skip: (why) => void (skipped = why),
    find: (id, detail) => void findings.push(findingOf(id, table, detail)),
    report: ({ id, title }) => ({
      check: id,
      title,
      verdict: skipped !== undefined && findings.length === 0 ? 'skipped' : worstOf(findings),
      ...(skipped !== undefined && { skipped }),
      exchanges: [...exchanges],
      facts: [...facts],
      findings: [...findings],
    }),
  };
}

function findingOf(
  id: string,
  table: Readonly<Record<string, FindingFacts>>,
  { what, fix, fixedBy, meanwhile, configure }: Detail,
): Finding {
  const known = table[id];
  if (known === undefined) throw new RangeError(`no finding ${id}`);
  return {
    id,
    severity: known.severity,
    what,
    ...(known.specification && { specification: known.specification }),
    fixedBy: fixedBy ?? known.fixedBy,
    fix: fix ?? known.fix,
    ...(meanwhile !== undefined && { meanwhile }),
    ...(configure && { configure }),
  };
}
