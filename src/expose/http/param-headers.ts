import type { RequestHeaders } from './http-answer.ts';
import { isObject } from '../../wire/message.ts';
import { decodedHeader, mismatch, type RequestEra } from './request-era.ts';

/** An argument of a tool that a header repeats. */
export interface ParamHeader {
  readonly header: string;
  readonly path: readonly string[];
  readonly type: string;
}

const maxDepth = 8;

/** Which arguments of a tool headers repeat, by its schema: `x-mcp-header` at properties that are text, numbers or truth values. */
export function paramHeadersOf(inputSchema: unknown): ParamHeader[] {
  const found: ParamHeader[] = [];
  collect(inputSchema, [], found);
  return found;
}

/**
 * Compares the headers of a call with its arguments.
 *
 * @see MCP 2026-07-28, server/tools, x-mcp-header
 */
export function compareParamHeaders(
  declared: readonly ParamHeader[],
  args: unknown,
  headers: RequestHeaders,
): (RequestEra & { era: 'refused' }) | undefined {
  for (const { header, path, type } of declared) {
    const value = path.reduce<unknown>(
      (at, name) => (isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined),
      args,
    );
    const isScalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    if (!isScalar) continue;
    const given = headers.get(header);
    const where = path.join('.');
    if (given === undefined)
      return mismatch(header, '(missing)', `the body has ${where}, and the header ${header} is missing`);
    const decoded = decodedHeader(given);
    if (decoded === undefined) return mismatch(header, given, `the header ${header} is no valid Base64`);
    const isNumber = (type === 'integer' || type === 'number') && /^-?\d+(?:\.\d+)?$/u.test(decoded);
    const same =
      isNumber && typeof value === 'number' ? Number(decoded) === value : decoded === String(value);
    if (!same) return mismatch(header, given, `the body has another ${where}`);
  }
  return undefined;
}

function collect(schema: unknown, path: readonly string[], found: ParamHeader[]): void {
  if (!isObject(schema) || !isObject(schema['properties']) || path.length >= maxDepth) return;
  for (const [name, property] of Object.entries(schema['properties'])) {
    if (!isObject(property)) continue;
    const { 'x-mcp-header': header, type } = property;
    if (
      typeof header === 'string' &&
      /^[\w!#$%&'*+.^`|~-]{1,100}$/u.test(header) &&
      typeof type === 'string'
    ) {
      found.push({ header: `mcp-param-${header}`, path: [...path, name], type });
    } else {
      collect(property, [...path, name], found);
    }
  }
}
