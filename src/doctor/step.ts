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

interface StepOptions {
  readonly url: URL;
  readonly options: ExamineOptions;
  readonly known: Known;
  readonly http: OAuthHttp;
  readonly ask: (ask: McpAsk) => Promise<McpAnswer>;
  readonly redact: (text: string, maxLength?: number) => string;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
  readonly redirectUri: string;
  readonly findings: Readonly<Record<string, FindingFacts>>;
  readonly exchanges: Exchange[];
}

/** One check under way: what it may use, and where it writes down what it learns. */
export class Step<F extends string = string> {
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
  readonly #table: Readonly<Record<string, FindingFacts>>;
  readonly #exchanges: Exchange[];
  readonly #facts: string[] = [];
  readonly #findings: Finding[] = [];
  #skipped: string | undefined;

  constructor(options: StepOptions) {
    this.url = options.url;
    this.options = options.options;
    this.known = options.known;
    this.http = options.http;
    this.ask = options.ask;
    this.redact = options.redact;
    this.signal = options.signal;
    this.clock = options.clock;
    this.requestTimeoutMs = options.requestTimeoutMs;
    this.redirectUri = options.redirectUri;
    this.#table = options.findings;
    this.#exchanges = options.exchanges;
  }

  /** Something that was learnt. */
  fact(text: string): void {
    this.#facts.push(text);
  }

  find(id: F, detail: Detail): void {
    const facts = this.#table[id];
    if (facts === undefined) throw new RangeError(`no finding ${id}`);
    const { severity, specification } = facts;
    const { what, meanwhile, configure } = detail;
    this.#findings.push({
      id,
      severity,
      what,
      ...(specification && { specification }),
      fixedBy: detail.fixedBy ?? facts.fixedBy,
      fix: detail.fix ?? facts.fix,
      ...(meanwhile !== undefined && { meanwhile }),
      ...(configure && { configure }),
    });
  }

  /** This could not be asked, and why. */
  skip(why: string): void {
    this.#skipped = why;
  }

  /** What has come of it, as of now. */
  report({ id, title }: { readonly id: string; readonly title: string }): CheckReport {
    const skipped = this.#skipped;
    const isSkipped = skipped !== undefined && this.#findings.length === 0;
    return {
      check: id,
      title,
      verdict: isSkipped ? 'skipped' : worstOf(this.#findings),
      ...(skipped !== undefined && { skipped }),
      exchanges: [...this.#exchanges],
      facts: [...this.#facts],
      findings: [...this.#findings],
    };
  }
}
