export { allChecks } from './all-checks.ts';
export { commonFindings, type Check } from './check.ts';
export type { EarlierSignIn, ExamineOptions } from './examine-options.ts';
export { examine } from './examine.ts';
export { parties, printCheck, printConclusion, printFindings, printReport } from './print-report.ts';
export { findingsOf, type CheckReport, type DoctorReport } from './report.ts';
export { citeSpecification } from './specification.ts';
export { probeTls } from './tls-probe.ts';
