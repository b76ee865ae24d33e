import type { ConformanceCase } from './conformance-case.ts';
import { entryCases } from './entry-cases.ts';
import { expiryCases } from './expiry-cases.ts';
import { listCases } from './list-cases.ts';
import { modelCase, type ModelOptions } from './model-cases.ts';
import { raceCases } from './race-cases.ts';
import { closeCases, signalCases } from './signal-cases.ts';
import { valueCases } from './value-cases.ts';

/**
 * Everything a driver must do, as cases for any test runner.
 *
 * Give each case a subject, and leave out those whose `needs` the subject does not have. Cases use partitions of their
 * own, so they may share a store and run in any order, but not at the same time when they share a clock.
 *
 * @example
 * for (const { title, timeoutMs, run } of storageConformance()) {
 *   test(title, () => run({ separateHandles: true, open: async () => openMyStore() }), timeoutMs);
 * }
 */
export function storageConformance(options: ModelOptions = {}): readonly ConformanceCase[] {
  return [
    ...entryCases,
    ...expiryCases,
    ...listCases,
    ...valueCases,
    ...raceCases,
    ...signalCases,
    ...closeCases,
    modelCase(options),
  ];
}
