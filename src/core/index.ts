export { systemClock, type Clock } from './clock.ts';
export { explain, type Audience } from './explain.ts';
export { errorCodes, type ErrorCodeFacts, type FixedBy, type PosternErrorCode } from './error-codes.ts';
export type { FailureEvidence } from './failure-evidence.ts';
export { silentLogger, stderrLogger, type LogFields, type Logger } from './logger.ts';
export {
  findPosternError,
  isPosternError,
  PosternError,
  type PosternErrorJson,
  type PosternErrorOptions,
} from './postern-error.ts';
export { systemRandom, type RandomBytes } from './random.ts';
export { Secret } from './secret.ts';
