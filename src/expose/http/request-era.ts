import { metaKeys, modernVersion } from '../../wire/eras/envelope.ts';
import { requestHeaders } from '../../wire/request-headers.ts';
import type { RequestHeaders } from './http-answer.ts';
import {
  isObject,
  rpcCodes,
  type NotificationMessage,
  type RequestMessage,
  type RpcError,
} from '../../wire/message.ts';

/** Revisions with sessions that can be served. */
export const legacyVersions: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];

/** Which sort of client has sent a message, or why it cannot be served. */
export type RequestEra =
  | { readonly era: 'legacy' }
  | { readonly era: 'modern'; readonly version: string }
  | { readonly era: 'refused'; readonly status: 400; readonly error: RpcError };

/**
 * Tells the era of a message, and compares what its headers say with what it says itself: whoever looks at the headers alone,
 * in front of us, must not see another call than the child does.
 *
 * @see MCP 2026-07-28, basic/transports/streamable-http
 */
export function eraOf(message: RequestMessage | NotificationMessage, headers: RequestHeaders): RequestEra {
  const { method, params } = message;
  const meta = params?.['_meta'];
  const claims = isObject(meta) && Object.hasOwn(meta, metaKeys.version);
  const header = headers.get('mcp-protocol-version');
  const headerIsModern = header !== undefined && isModern(header);
  if (method === 'initialize' && !(claims && isModern(meta[metaKeys.version]))) {
    return headerIsModern
      ? mismatch('mcp-protocol-version', header, 'initialize belongs to older revisions')
      : { era: 'legacy' };
  }
  if (claims) return claimedEra(message, meta, headers, header);
  if (!headerIsModern) return { era: 'legacy' };
  if (message.kind === 'notification')
    return comparedMethod(method, headers) ?? { era: 'modern', version: header };
  const missing = isObject(meta) ? [metaKeys.version] : ['_meta'];
  return refuse(rpcCodes.invalidParams, `Invalid params: the request lacks ${missing.join(', ')}`, {
    envelope: { missing },
  });
}

/** Whether a revision is one without sessions. */
function isModern(version: unknown): boolean {
  return typeof version === 'string' && /^\d{4}-\d{2}-\d{2}$/u.test(version) && version >= modernVersion;
}

/** What a header says that may be written in Base64; `undefined` when that cannot be read. */
export function decodedHeader(text: string): string | undefined {
  const value = text.trim();
  if (!value.startsWith('=?base64?') || !value.endsWith('?=')) return value;
  const encoded = value.slice('=?base64?'.length, -'?='.length);
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/u.test(encoded)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(encoded));
  } catch {
    return undefined;
  }
}

/** That a header and the body disagree. */
export function mismatch(header: string, value: string, why: string): RequestEra & { era: 'refused' } {
  return refuse(rpcCodes.headerMismatch, `Bad Request: the headers and the body disagree: ${why}`, {
    mismatch: { header, value: value.slice(0, 200) },
  });
}

function claimedEra(
  message: RequestMessage | NotificationMessage,
  meta: Readonly<Record<string, unknown>>,
  headers: RequestHeaders,
  header: string | undefined,
): RequestEra {
  const { method, kind } = message;
  const problem = envelopeProblem(meta, kind);
  if (problem !== undefined) {
    return refuse(rpcCodes.invalidParams, `Invalid _meta: ${problem.key}: ${problem.problem}`, {
      envelope: problem,
    });
  }
  const version = meta[metaKeys.version] as string;
  if (header !== undefined && header !== version) {
    return mismatch('mcp-protocol-version', header, `the body names the revision ${JSON.stringify(version)}`);
  }
  const compared = comparedMethod(method, headers);
  if (compared !== undefined) return compared;
  if (version !== modernVersion) {
    return refuse(rpcCodes.unsupportedVersion, 'Unsupported protocol version', {
      supported: [modernVersion],
      requested: version,
    });
  }
  if (message.kind === 'notification') return { era: 'modern', version };
  return presentHeaders(message, headers) ?? { era: 'modern', version };
}

function envelopeProblem(
  meta: Readonly<Record<string, unknown>>,
  kind: 'request' | 'notification',
): { readonly key: string; readonly problem: string } | undefined {
  if (typeof meta[metaKeys.version] !== 'string')
    return { key: metaKeys.version, problem: 'expected a protocol version string' };
  if (kind === 'notification') return undefined;
  if (!Object.hasOwn(meta, metaKeys.capabilities)) return { key: metaKeys.capabilities, problem: 'missing' };
  if (!isObject(meta[metaKeys.capabilities]))
    return { key: metaKeys.capabilities, problem: 'expected an object' };
  const info = meta[metaKeys.clientInfo];
  if (info === undefined || (isObject(info) && typeof info['name'] === 'string')) return undefined;
  return { key: metaKeys.clientInfo, problem: 'expected an object with a name' };
}

function comparedMethod(
  method: string,
  headers: RequestHeaders,
): (RequestEra & { era: 'refused' }) | undefined {
  const header = headers.get('mcp-method');
  if (header === undefined || header === method) return undefined;
  return mismatch('mcp-method', header, 'the body names another method');
}

function presentHeaders(
  message: RequestMessage,
  headers: RequestHeaders,
): (RequestEra & { era: 'refused' }) | undefined {
  for (const name of ['mcp-protocol-version', 'mcp-method']) {
    if (!headers.has(name)) return mismatch(name, '(missing)', `the header ${name} is missing`);
  }
  const expected = requestHeaders(message)['mcp-name'];
  if (expected === undefined) return undefined;
  const header = headers.get('mcp-name');
  if (header === undefined) return mismatch('mcp-name', '(missing)', 'the header mcp-name is missing');
  const decoded = decodedHeader(header);
  if (decoded === undefined) return mismatch('mcp-name', header, 'the header mcp-name is no valid Base64');
  return decoded === decodedHeader(expected)
    ? undefined
    : mismatch('mcp-name', header, 'the body names another');
}

function bytesOf(encoded: string): Uint8Array {
  return Uint8Array.from(atob(encoded), (sign) => sign.codePointAt(0) ?? 0);
}

function refuse(code: number, message: string, data: unknown): RequestEra & { era: 'refused' } {
  return { era: 'refused', status: 400, error: { code, message, data } };
}
