import { systemClock } from '../core/clock.ts';
import { findPosternError, PosternError } from '../core/postern-error.ts';
import type { FetchLike } from '../http/fetch-like.ts';
import { openNetwork } from '../http/network.ts';
import { createOAuthHttp } from '../oauth/oauth-http.ts';
import { allowPrivateNetwork } from '../oauth/url-policy.ts';
import { commonFindings, type Check } from './check.ts';
import { allChecks } from './all-checks.ts';
import type { ExamineOptions } from './examine-options.ts';
import { nothingKnown, type Known } from './known.ts';
import { askServer, type McpAsk } from './mcp-exchange.ts';
import { recordingFetch } from './recording.ts';
import { redactor } from './redact.ts';
import { findingsOf, worstOf, type CheckReport, type DoctorReport, type Exchange } from './report.ts';
import { openStep, type Step } from './step.ts';

/** Such as the command line uses; nobody listens there for an examination. */
const defaultRedirectUri = 'http://127.0.0.1:53123/callback';

/**
 * Walks a server as somebody would who signs in to it, without anybody's login, and says step by step what was asked, what
 * came back, and what is wrong.
 *
 * Changes nothing anywhere, unless `register` is set. Never rejects for what a server does: it is bounded in time, in
 * requests and in bytes, and what it was not told in time is in the report.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the address is no http(s) URL.
 * @throws the reason of a signal that aborted.
 * @example
 * const report = await examine('https://calendar.example/mcp');
 * if (report.verdict === 'problem') console.error(printReport(report));
 */
export async function examine(url: string | URL, options: ExamineOptions = {}): Promise<DoctorReport> {
  const address = readAddress(url);
  const { clock = systemClock, stepTimeoutMs = 15_000, timeoutMs = 90_000 } = options;
  const began = performance.now();
  const examinedAt = new Date(clock()).toISOString();
  const known = nothingKnown();
  const all = AbortSignal.timeout(timeoutMs);
  const checks: CheckReport[] = [];
  const network = openNetwork();
  const fetch = options.fetch ?? ((to, init) => network.fetch(to, init));
  try {
    for (const check of allChecks) {
      options.signal?.throwIfAborted();
      const report = await runCheck(check, { address, options, fetch, known, all, stepTimeoutMs });
      options.signal?.throwIfAborted();
      checks.push(report);
      options.onCheck?.(report);
    }
  } finally {
    await network.close();
  }
  const findings = findingsOf({ checks });
  const count = (severity: string): number => findings.filter((each) => each.severity === severity).length;
  return {
    version: 1,
    url: `${address.origin}${address.pathname}`,
    examinedAt,
    durationMs: Math.round(performance.now() - began),
    verdict: worstOf(findings),
    counts: { problem: count('problem'), warning: count('warning'), note: count('note') },
    reached: known.reached,
    checks,
  };
}

interface Walk {
  readonly address: URL;
  readonly options: ExamineOptions;
  readonly fetch: FetchLike;
  readonly known: Known;
  /** The end of all of it. */
  readonly all: AbortSignal;
  readonly stepTimeoutMs: number;
}

async function runCheck(check: Check, walk: Walk): Promise<CheckReport> {
  const { all, stepTimeoutMs, options } = walk;
  const time = new AbortController();
  const timer = setTimeout(() => time.abort(), stepTimeoutMs);
  const given = options.signal === undefined ? [] : [options.signal];
  const signal = AbortSignal.any([time.signal, ...(check.always === true ? [] : [all]), ...given]);
  const step = prepareStep(check, walk, signal);
  if (all.aborted && check.always !== true) {
    step.skip('the time for the whole examination was over');
    clearTimeout(timer);
    return step.report(check);
  }
  const over = new Promise<'over'>((resolve) => {
    signal.addEventListener('abort', () => resolve('over'), { once: true });
  });
  try {
    const end = await Promise.race([Promise.resolve(check.run(step)), over]);
    if (end === 'over') outOfTime(step, stepTimeoutMs);
  } catch (error) {
    if (signal.aborted) outOfTime(step, stepTimeoutMs);
    else {
      const code = findPosternError(error)?.code;
      step.find('examination.failed', { what: `This step ended in an error (${code ?? nameOf(error)}).` });
    }
  } finally {
    clearTimeout(timer);
    // What is still under way for this step is of no use to anybody.
    time.abort();
  }
  return step.report(check);
}

function outOfTime(step: Step<'examination.out-of-time'>, stepTimeoutMs: number): void {
  step.find('examination.out-of-time', {
    what: `This step was given up: it was not over within ${Math.round(stepTimeoutMs / 1000)} s, or the whole examination was not within its own time.`,
  });
}

function prepareStep(
  check: Check,
  { address, options, fetch: send, known }: Walk,
  signal: AbortSignal,
): ReturnType<typeof openStep> {
  const { auth, headers = {}, earlier, client, clock = systemClock, requestTimeoutMs = 8_000 } = options;
  // An earlier client is known there by its own.
  const { redirectUri = (earlier?.client ?? earlier?.grant?.client)?.redirectUris[0] ?? defaultRedirectUri } =
    options;
  const exchanges: Exchange[] = [];
  const redact = redactor([
    ...Object.values(headers),
    earlier?.grant?.accessToken,
    earlier?.grant?.refreshToken,
    earlier?.grant?.client.clientSecret,
    earlier?.client?.clientSecret,
    client?.clientSecret,
    known.client?.clientSecret,
    ...address.searchParams.values(),
  ]);
  const fetch = recordingFetch({
    fetch: send,
    exchanges,
    redact,
    clock,
    onSkew: (host, skewMs) => known.skews.set(host, skewMs),
  });
  const http = createOAuthHttp({
    fetch,
    signal,
    clock,
    timeoutMs: requestTimeoutMs,
    trustedBy: address,
    [allowPrivateNetwork]: auth?.allowPrivateNetwork,
  });
  const tools = {
    url: address,
    options,
    known,
    http,
    ask: (ask: McpAsk) =>
      askServer(
        address,
        // `Authorization` is left to the step that asks what it is good for: the others want to see what is asked for without.
        { ...ask, headers: { ...withoutAuthorization(headers), ...ask.headers } },
        { fetch, signal, timeoutMs: requestTimeoutMs },
      ),
    redact,
    signal,
    clock,
    requestTimeoutMs,
    redirectUri,
  };
  return openStep(tools, { ...commonFindings, ...check.findings }, exchanges);
}

function withoutAuthorization(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'),
  );
}

function readAddress(url: string | URL): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === 'https:' || parsed?.protocol === 'http:') return parsed;
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    'the address to examine is no http or https URL',
    {
      hint: 'Give the address of the MCP server, such as https://calendar.example/mcp. A server on stdio has no authorization to examine.',
    },
  );
}

function nameOf(error: unknown): string {
  return error instanceof Error && /^\w{1,60}$/u.test(error.name) ? error.name : typeof error;
}
