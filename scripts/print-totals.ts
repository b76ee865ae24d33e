// Prints the totals of a vitest run as one line, and exits 1 unless the run was a success.
//
//   node scripts/print-totals.ts results/tests.json
import { readFileSync } from 'node:fs';

interface Report {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { status: string }[];
  }[];
}

const report = JSON.parse(readFileSync(process.argv[2] ?? 'results/tests.json', 'utf8')) as Report;

// A file that does not load has no tests to fail, and must not vanish from the count for it.
const brokenFiles = report.testResults.filter(
  (file) =>
    file.status === 'failed' && file.assertionResults.every((assertion) => assertion.status !== 'failed'),
).length;

const failed = report.numFailedTests + brokenFiles;
const skipped = report.numPendingTests + report.numTodoTests;
process.stdout.write(`Tests: ${report.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`);
process.exitCode = report.success && failed === 0 && report.numPassedTests > 0 ? 0 : 1;
