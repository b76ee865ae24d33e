import type { LogFields, Logger } from '../../src/core/logger.ts';

/** Writes each line of a server's log to `write`. */
export function createLineLogger(write: (line: string) => void): Logger {
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}) =>
      write(
        [level, message, ...Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`)].join(
          ' ',
        ),
      );
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
