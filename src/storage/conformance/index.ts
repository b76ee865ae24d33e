export { ConformanceError } from './check.ts';
export type { ConformanceCase, ConformanceSubject } from './conformance-case.ts';
export type { ModelOptions } from './model-cases.ts';
export { storageConformance } from './storage-conformance.ts';
