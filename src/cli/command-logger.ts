import { silentLogger, stderrLogger, type Logger } from '../core/logger.ts';

/** What a command writes to standard error beside what it says: warnings and errors; with `--debug` everything, a line each. */
export function commandLogger({ debug }: { readonly debug?: boolean | undefined }): Logger {
  if (debug !== true) return stderrLogger;
  const tell: Logger['debug'] = (message, fields) => stderrLogger.warn(message, fields);
  return {
    ...silentLogger,
    debug: tell,
    info: tell,
    warn: tell,
    error: (message, fields) => stderrLogger.error(message, fields),
  };
}
