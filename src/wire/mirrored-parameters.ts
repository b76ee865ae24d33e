import { headerText } from './header-text.ts';
import { isObject } from './message.ts';

/** An argument of a tool that is also sent as a header. */
export interface MirroredParameter {
  /** Where it stands in the arguments. */
  readonly path: readonly string[];
  /** Behind `Mcp-Param-`. */
  readonly header: string;
}

const annotation = 'x-mcp-header';
const token = /^[!#$%&'*+\-.^_`|~\w]{1,100}$/u;
const types: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean']);
/** A schema that is deeper, or has more parts, is one that nobody reads. */
const maxDepth = 32;
const maxParts = 10_000;

/**
 * The arguments that a tool wants mirrored in headers; `undefined` when its schema says that in a way that makes the tool
 * one that must not be offered: elsewhere than on properties that lie open, of another type than a string, an integer or a
 * boolean, under a name that is no header's, or under one name twice.
 *
 * @see MCP 2026-07-28, basic/transports/streamable-http, "Schema extension"
 */
export function mirroredParameters(inputSchema: unknown): readonly MirroredParameter[] | undefined {
  const found: MirroredParameter[] = [];
  const names = new Set<string>();
  let parts = 0;
  /** Whether what stands below is in order. `path`: where the value is, as long as it is known to be there. */
  const visit = (node: unknown, path: readonly string[] | undefined, depth: number): boolean => {
    if (typeof node !== 'object' || node === null) return true;
    if (depth > maxDepth || ++parts > maxParts) return false;
    if (Array.isArray(node)) return node.every((part) => visit(part, undefined, depth + 1));
    const schema = node as Record<string, unknown>;
    if (Object.hasOwn(schema, annotation)) {
      const header = schema[annotation];
      if (path === undefined || path.length === 0 || !types.has(schema['type'])) return false;
      if (typeof header !== 'string' || !token.test(header) || names.has(header.toLowerCase())) return false;
      names.add(header.toLowerCase());
      found.push({ path, header });
    }
    return Object.entries(schema).every(([keyword, below]) => {
      // Values, not schemas.
      if (keyword === 'default' || keyword === 'const' || keyword === 'enum' || keyword === 'examples')
        return true;
      if (keyword !== 'properties' || !isObject(below)) return visit(below, undefined, depth + 1);
      return Object.entries(below).every(([name, property]) =>
        visit(property, path && [...path, name], depth + 1),
      );
    });
  };
  return visit(inputSchema, [], 0) ? found : undefined;
}

/** The headers that the arguments of one call are mirrored in. What is absent, or no such value, is left out. */
export function mirroredHeaders(
  parameters: readonly MirroredParameter[],
  args: unknown,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { path, header } of parameters) {
    let value: unknown = args;
    for (const name of path) value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
    const isSent =
      typeof value === 'string' ||
      typeof value === 'boolean' ||
      (typeof value === 'number' &&
        Number.isFinite(value) &&
        (!Number.isInteger(value) || Number.isSafeInteger(value)));
    if (isSent) headers[`mcp-param-${header.toLowerCase()}`] = headerText(String(value));
  }
  return headers;
}
