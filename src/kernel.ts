/** The kernel, for those who build on it: a driver of one's own, pendings and continuations without either face. */
export * from './core/index.ts';
export * from './namespace/index.ts';
export * from './pending/index.ts';
export * from './resume/index.ts';
export * from './storage/index.ts';
export * from './sync/index.ts';
