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

/** Says nothing at all. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
};

const print =
  (level: string) =>
  (message: string, fields: LogFields = {}): void => {
    const told = Object.entries(fields).flatMap(([name, value]) =>
      value === undefined ? [] : [` ${name}=${typeof value === 'string' ? quoted(value) : value}`],
    );
    // Where nobody brought a logger, this is what an operator has. On stdio servers standard output is the protocol's.
    // oxlint-disable-next-line no-console
    console.error(`postern ${level}: ${message}${told.join('')}`);
  };

/** The default: warnings and errors, a line each, on standard error. */
export const stderrLogger: Logger = {
  ...silentLogger,
  warn: print('warning'),
  error: print('error'),
};

/** One line, whatever is in it, and nothing that a terminal acts on: JSON leaves some of that as it is. */
function quoted(text: string): string {
  if (/^[\w.:/@-]+$/u.test(text)) return text;
  return JSON.stringify(text).replaceAll(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (sign) => `\\u${sign.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
}

/** All of it, in the same form: for whoever looks for something. */
export const debugLogger: Logger = {
  ...stderrLogger,
  debug: print('debug'),
  info: print('info'),
};
