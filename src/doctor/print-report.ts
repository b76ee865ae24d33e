import {
  findingsOf,
  type CheckReport,
  type DoctorReport,
  type Exchange,
  type Finding,
  type Party,
  type Severity,
  type Verdict,
} from './report.ts';
import { citeSpecification } from './specification.ts';

/** How a text is shown: by a terminal’s colours, or not at all. */
export type Style = 'strong' | 'quiet' | 'good' | 'bad' | 'doubtful';

export interface PrintOptions {
  /** Default: no styles. */
  readonly styled?: ((style: Style, text: string) => string) | undefined;
}

const marks: Readonly<Record<Verdict, readonly [mark: string, style: Style]>> = {
  ok: ['✓', 'good'],
  note: ['✓', 'good'],
  warning: ['!', 'doubtful'],
  problem: ['✗', 'bad'],
  skipped: ['–', 'quiet'],
};

const severityStyles: Readonly<Record<Severity, Style>> = {
  note: 'quiet',
  warning: 'doubtful',
  problem: 'bad',
};

/** Who has to act, as it is said in a sentence. */
export const parties: Readonly<Record<Party, string>> = {
  server: 'whoever runs the MCP server',
  issuer: 'whoever runs the authorization server',
  organisation: 'your organisation’s administrator',
  network: 'whoever runs your network',
  person: 'you',
  postern: 'us',
};

/** A report as text: every step with what was asked, what came back and what was found, and then what to do first. */
export function printReport(report: DoctorReport, options: PrintOptions = {}): string {
  return [
    ...report.checks.map((check) => printCheck(check, options)),
    '',
    printConclusion(report, options),
  ].join('\n');
}

/** Nothing but what was found, by steps. */
export function printFindings(report: DoctorReport, options: PrintOptions = {}): string {
  const found = report.checks.filter(({ findings }) => findings.length > 0);
  return found.map((check) => `${printCheck({ ...check, exchanges: [], facts: [] }, options)}\n`).join('');
}

/** One step as text. */
export function printCheck(check: CheckReport, options: PrintOptions = {}): string {
  const styled = options.styled ?? ((_style: Style, text: string): string => text);
  const { title, verdict, skipped, exchanges, facts, findings } = check;
  const [mark, style] = marks[verdict];
  const lines = [
    `${styled(style, mark)} ${styled('strong', title)}${skipped === undefined ? '' : styled('quiet', `: not asked, since ${skipped}`)}`,
  ];
  for (const exchange of exchanges)
    lines.push(...printExchange(exchange).map((line) => styled('quiet', `    ${line}`)));
  for (const fact of facts) lines.push(`    ${fact}`);
  for (const finding of findings) lines.push(...printFinding(finding, styled));
  return lines.join('\n');
}

function printExchange({ asked, purpose, came, headers, durationMs }: Exchange): string[] {
  const first = `→ ${asked}${purpose === undefined ? '' : ` (${purpose})`} ← ${came}, ${durationMs} ms`;
  const shown = Object.entries(headers).filter(
    ([name]) => name === 'www-authenticate' || name === 'location' || name === 'retry-after',
  );
  return [first, ...shown.map(([name, value]) => `    ${name}: ${value}`)];
}

function printFinding(finding: Finding, styled: NonNullable<PrintOptions['styled']>): string[] {
  const { id, severity, what, specification, fixedBy, fix, meanwhile, configure } = finding;
  const indent = '        ';
  return [
    `    ${styled(severityStyles[severity], `${severity}: ${what}`)} ${styled('quiet', `(${id})`)}`,
    ...(specification === undefined ? [] : [`${indent}by ${citeSpecification(specification)}`]),
    ...(/^Nothing\b/u.test(fix) ? [`${indent}${fix}`] : [`${indent}${parties[fixedBy]}: ${fix}`]),
    ...(meanwhile === undefined ? [] : [`${indent}${untilThen(meanwhile)}`]),
    ...(configure === undefined ? [] : [`${indent}${styled('strong', JSON.stringify(configure))}`]),
  ];
}

function untilThen(meanwhile: string): string {
  const why = /^Nothing: (?<why>.*)$/su.exec(meanwhile)?.groups?.['why'];
  return why === undefined ? `until then: ${meanwhile}` : `nothing to be done here: ${why}`;
}

/** How it stands, and what to begin with. */
export function printConclusion(report: DoctorReport, options: PrintOptions = {}): string {
  const styled = options.styled ?? ((_style: Style, text: string): string => text);
  const { counts, verdict, url } = report;
  const { problem, warning, note } = counts;
  const count = (amount: number, word: string): string => `${amount} ${word}${amount === 1 ? '' : 's'}`;
  const first = findingsOf(report).find(({ severity }) => severity === 'problem');
  const sum = `${url}: ${count(problem, 'problem')}, ${count(warning, 'warning')}, ${count(note, 'note')}.`;
  return [
    styled(verdict === 'problem' ? 'bad' : verdict === 'warning' ? 'doubtful' : 'good', sum),
    ...(first === undefined
      ? [stands(report)]
      : [`To begin with: ${first.what} That is up to ${parties[first.fixedBy]}: ${first.fix}`]),
  ].join('\n');
}

function stands({ checks }: DoctorReport): string {
  const isAsked = checks.some(({ check, verdict }) => check === 'issuer' && verdict !== 'skipped');
  return isAsked
    ? 'As far as it shows without a login, people can sign in and call it.'
    : 'No sign-in was met that could be looked into.';
}
