import type { LogFields } from './logger.ts';
import { findPosternError } from './postern-error.ts';

/**
 * What a log says of a failure in code that a host brought: its code where it is one of ours, else its message and where it
 * came from, since nobody but its author can know what it means. What looks like a secret in it is left out: errors of
 * clients quote addresses and headers.
 */
export function failureFields(error: unknown): LogFields {
  const known = findPosternError(error);
  if (known !== undefined) return { code: known.code };
  if (!(error instanceof Error)) return { error: typeof error };
  return {
    error: error.name,
    message: withoutSecrets(error.message),
    stack: error.stack && withoutSecrets(framesOf(error.stack)),
  };
}

/** The places of a stack alone: its head repeats the message. */
function framesOf(stack: string): string {
  return stack
    .split('\n')
    .filter((line) => /^\s+at /u.test(line))
    .join('\n');
}

function withoutSecrets(text: string): string {
  return (
    text
      .replaceAll(/\b(Bearer|Basic|DPoP)\s+\S+/giu, '$1 …')
      .replaceAll(/\?[^\s"')]+/gu, '?…')
      // Long and random: letters and digits mixed, as no word is.
      .replaceAll(/(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[a-z])[\w-]{20,}(?:\.[\w-]+)*/giu, '…')
  );
}
