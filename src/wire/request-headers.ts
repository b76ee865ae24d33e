import { headerText } from './header-text.ts';
import { isObject, type RequestMessage } from './message.ts';

const versionKey = 'io.modelcontextprotocol/protocolVersion';

/** The parameter that `Mcp-Name` repeats, by method. @see SEP-2243, SEP-2663 */
const namedBy: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);

/**
 * The headers that a request of the revision 2026-07-28 is sent with, from its body.
 *
 * @see MCP 2026-07-28, basic/transports/streamable-http, "Standard request headers"
 */
export function requestHeaders({
  method,
  params,
}: {
  readonly method: string;
  readonly params?: RequestMessage['params'] | undefined;
}): Record<string, string> {
  const version = versionIn(params);
  const by = namedBy.get(method);
  const name = by === undefined ? undefined : params?.[by];
  return {
    ...(version !== undefined && { 'mcp-protocol-version': headerText(version) }),
    'mcp-method': headerText(method),
    ...(typeof name === 'string' && { 'mcp-name': headerText(name) }),
  };
}

/** The version that a request of the modern era says it is of, in its parameters. */
export function versionIn(params: RequestMessage['params']): string | undefined {
  const meta = params?.['_meta'];
  const version = isObject(meta) ? meta[versionKey] : undefined;
  return typeof version === 'string' ? version : undefined;
}
