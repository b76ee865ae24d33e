import { isObject } from '../message.ts';
import { legacyVersion, metaKeys, modernVersion } from './envelope.ts';

/** The revisions with a handshake that a host may ask for. */
const legacyVersions: ReadonlySet<unknown> = new Set([
  '2024-10-07',
  '2024-11-05',
  '2025-03-26',
  '2025-06-18',
  legacyVersion,
]);

/** A server as it is named that does not say its name. */
const unnamed = { name: 'unknown', version: '0' };

/**
 * The result of `server/discover` as one of `initialize`.
 *
 * @param asked the version that the host asks for. Another than one of the legacy era is answered with the newest of that.
 */
export function toInitializeResult(discovered: unknown, asked: unknown): Record<string, unknown> {
  const { capabilities, instructions, _meta } = isObject(discovered) ? discovered : {};
  const serverInfo = isObject(_meta) ? _meta[metaKeys.serverInfo] : undefined;
  return {
    protocolVersion: legacyVersions.has(asked) ? asked : legacyVersion,
    capabilities: isObject(capabilities) ? capabilities : {},
    serverInfo: isObject(serverInfo) ? serverInfo : unnamed,
    ...(instructions !== undefined && { instructions }),
  };
}

/** The result of `initialize` as one of `server/discover`, which nobody keeps for longer than they need it. */
export function toDiscoverResult(initialized: unknown): Record<string, unknown> {
  const { capabilities, instructions, serverInfo, _meta } = isObject(initialized) ? initialized : {};
  const { tasks: _tasks, ...able } = isObject(capabilities) ? capabilities : ({} as Record<string, unknown>);
  return {
    resultType: 'complete',
    supportedVersions: [modernVersion],
    capabilities: able,
    ...(instructions !== undefined && { instructions }),
    ttlMs: 0,
    cacheScope: 'private',
    _meta: {
      ...(isObject(_meta) ? _meta : {}),
      ...(serverInfo !== undefined && { [metaKeys.serverInfo]: serverInfo }),
    },
  };
}

/** The parameters of `initialize` for a host that says who it is with each request. */
export function toInitializeParams(envelope: {
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly clientInfo?: unknown;
}): Record<string, unknown> {
  const { capabilities, clientInfo } = envelope;
  return {
    protocolVersion: legacyVersion,
    capabilities,
    clientInfo: isObject(clientInfo) ? clientInfo : unnamed,
  };
}

/** Whether an error says that a server speaks no version with a handshake, or no `initialize` at all. */
export function isModernOnly(error: { readonly code: number; readonly data?: unknown }): boolean {
  const { code, data } = error;
  if (code === -32_601 || code === -32_020) return true;
  if (code !== -32_022) return code === -32_602 && !isObject(data);
  const supported = isObject(data) ? data['supported'] : undefined;
  return (
    !Array.isArray(supported) ||
    supported.some((version) => typeof version === 'string' && version >= modernVersion)
  );
}
