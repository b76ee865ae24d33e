/**
 * `npm run chaos -- --backend sqlite --seed 1 --seconds 20`: tries to break a fleet, and says whether it did.
 *
 * Several host processes on one store, an authorization server that ends a grant when a refresh token comes twice,
 * people who sign in, decline and reload, and a nemesis. The same seed plans the same work and the same faults.
 */
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkBlindSpots } from './check-blind-spots.ts';
import { checkHistory } from './checker.ts';
import { writeHistory } from './operation-log.ts';
import { formatReport, isClean, reportOn } from './report.ts';
import { leaseMs, runChaos } from './run.ts';
import { backends } from './schedule.ts';
import { shrinkHistory } from './shrink.ts';

const usage = `npm run chaos -- [options]
  --backend ${backends.join('|')}  (sqlite)
  --seed N         the plan of the work and of the faults (1)
  --seconds S      how long things go wrong (20)
  --hosts N        host processes (3)
  --namespaces N   tenants (200)
  --rate N         operations begun in a second (40; 12 on dynamodb, whose stand-in does one thing at a time)
  --json           print one object last
  --keep DIR       keep the logs, the store and the shortest histories there`;

const { values } = parseArgs({
  options: {
    backend: { type: 'string', default: 'sqlite' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '20' },
    hosts: { type: 'string', default: '3' },
    namespaces: { type: 'string', default: '200' },
    rate: { type: 'string' },
    json: { type: 'boolean', default: false },
    keep: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const backend = backends.find((name) => name === values.backend);
const rate = values.rate ?? (backend === 'dynamodb' ? 12 : 40);
const numbers = [values.seed, values.seconds, values.hosts, values.namespaces, rate].map(Number);
const [seed = 1, seconds = 20, hosts = 3, namespaces = 200, operationsPerSecond = 40] = numbers;
if (
  values.help ||
  backend === undefined ||
  !numbers.every((number) => Number.isInteger(number) && number > 0)
) {
  process.stderr.write(`${usage}\n`);
  process.exit(values.help ? 0 : 2);
}

const directory = await mkdtemp(join(tmpdir(), 'postern-chaos-'));
const say = (line: string): void => void process.stderr.write(`${line}\n`);
try {
  const run = { backend, seed, seconds };
  const events = await runChaos({
    ...run,
    hosts,
    namespaces,
    operationsPerSecond,
    directory,
    onProgress: say,
  });
  const violations = checkHistory(events, { leaseMs });
  const all = [...violations, ...checkBlindSpots(events)];
  const report = reportOn(run, events, all);
  process.stdout.write(`${formatReport(report, all)}\n`);
  const keep = values.keep ?? (isClean(report) ? undefined : join('results', 'chaos', `${backend}-${seed}`));
  if (keep !== undefined) {
    await rm(keep, { recursive: true, force: true });
    await mkdir(keep, { recursive: true });
    if (values.keep !== undefined) await cp(directory, keep, { recursive: true });
    writeHistory(join(keep, 'history.ndjson'), events);
    // What is said to hold a secret is the evidence.
    for (const { op, id } of events) {
      if (op === 'secret') await cp(join(directory, id), join(keep, 'files', id), { recursive: true });
    }
    // One of each kind: the first is as good as the others to begin with.
    for (const violation of new Map(violations.toReversed().map((each) => [each.count, each])).values()) {
      writeHistory(join(keep, `${violation.count}.ndjson`), shrinkHistory(events, violation, { leaseMs }));
    }
    process.stdout.write(`kept in ${keep}\n`);
  }
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  process.exitCode = isClean(report) ? 0 : 1;
} finally {
  await rm(directory, { recursive: true, force: true });
}
