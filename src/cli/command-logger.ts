import { debugLogger, stderrLogger, type Logger } from '../core/logger.ts';

/** What a command writes to standard error beside what it says: warnings and errors; with `--debug` everything, a line each. */
export function commandLogger({ debug }: { readonly debug?: boolean | undefined }): Logger {
  return debug === true ? debugLogger : stderrLogger;
}
