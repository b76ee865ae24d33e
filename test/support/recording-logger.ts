import type { LogFields, Logger } from '../../src/core/logger.ts';
import { recordOutput } from './outputs.ts';

/** A logger that keeps every line, of every level. */
export interface RecordingLogger extends Logger {
  readonly lines: readonly string[];
}

export function createRecordingLogger(): RecordingLogger {
  const lines: string[] = [];
  const keep =
    (level: string) =>
    (message: string, fields?: LogFields): void => {
      const line = `${level} ${message} ${JSON.stringify(fields ?? {})}`;
      lines.push(line);
      recordOutput('a log', `${line}\n`);
    };
  return { lines, debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
}
