/** Values a log line may carry beside its message. Never a token, a code, a state or a full URL. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Where Postern reports what it does. Any structured logger fits with a line or two. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

const nothing = (): void => {};

/** The default: a library prints nothing unless it is asked to. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
};
