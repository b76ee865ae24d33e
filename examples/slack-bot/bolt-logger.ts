import { type Logger as BoltLogger, LogLevel } from '@slack/bolt';
import type { Logger } from '../../src/index.ts';

/** Bolt's words go into the bot's own log; what it says at `debug` may have tokens in it, and goes nowhere. */
export function boltLogger(logger: Logger): BoltLogger {
  const say =
    (level: 'warn' | 'error') =>
    (...words: unknown[]): void => {
      const text = words.map((word) => (word instanceof Error ? word.message : String(word))).join(' ');
      logger[level](`slack: ${text}`);
    };
  return {
    debug: () => {},
    info: () => {},
    warn: say('warn'),
    error: say('error'),
    setLevel: () => {},
    getLevel: () => LogLevel.WARN,
    setName: () => {},
  };
}
