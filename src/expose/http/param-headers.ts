import { mirroredHeaders, type MirroredParameter } from '../../wire/mirrored-parameters.ts';
import type { RequestHeaders } from './http-answer.ts';
import { decodedHeader, mismatch, type RequestEra } from './request-era.ts';

/**
 * Compares the headers of a call with the arguments that its tool has mirrored in them.
 *
 * @see MCP 2026-07-28, basic/transports/streamable-http, "Schema extension"
 */
export function compareParamHeaders(
  declared: readonly MirroredParameter[],
  args: unknown,
  headers: RequestHeaders,
): (RequestEra & { era: 'refused' }) | undefined {
  for (const [header, expected] of Object.entries(mirroredHeaders(declared, args))) {
    const given = headers.get(header);
    if (given === undefined) {
      return mismatch(header, '(missing)', `the header ${header} is missing`);
    }
    const decoded = decodedHeader(given);
    if (decoded === undefined) return mismatch(header, given, `the header ${header} is no valid Base64`);
    if (decoded === decodedHeader(expected)) continue;
    // 42.0 and 42 are one number.
    const areNumbers = [decoded, expected].every((text) => /^-?\d+(?:\.\d+)?$/u.test(text));
    if (areNumbers && Number(decoded) === Number(expected)) continue;
    return mismatch(header, given, 'the body has another argument');
  }
  return undefined;
}
