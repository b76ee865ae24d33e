import { isObject, type RequestMessage } from '../message.ts';
import { withMember } from '../members.ts';

/** The revision that the modern era begins with. */
export const modernVersion = '2026-07-28';
/** The last revision before it. */
export const legacyVersion = '2025-11-25';

/** The keys of `_meta` by which messages of the modern era say what once a session knew. */
export const metaKeys = {
  version: 'io.modelcontextprotocol/protocolVersion',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
} as const;

const envelopeKeys: ReadonlySet<string> = new Set([
  metaKeys.version,
  metaKeys.capabilities,
  metaKeys.clientInfo,
  metaKeys.logLevel,
]);

/** Who asks, and what they can do. */
export interface Envelope {
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly clientInfo?: unknown;
  readonly logLevel?: unknown;
}

/** The envelope of a request of the modern era, as far as it says one. */
export function envelopeOf({ params }: Pick<RequestMessage, 'params'>): Envelope {
  const meta = metaOf(params);
  const capabilities = meta[metaKeys.capabilities];
  return {
    capabilities: isObject(capabilities) ? capabilities : {},
    ...(meta[metaKeys.clientInfo] !== undefined && { clientInfo: meta[metaKeys.clientInfo] }),
    ...(meta[metaKeys.logLevel] !== undefined && { logLevel: meta[metaKeys.logLevel] }),
  };
}

/** The members of `_meta` that carry an envelope. */
function metaFor({ capabilities, clientInfo, logLevel }: Envelope): Record<string, unknown> {
  return {
    [metaKeys.version]: modernVersion,
    [metaKeys.capabilities]: capabilities,
    ...(clientInfo !== undefined && { [metaKeys.clientInfo]: clientInfo }),
    ...(logLevel !== undefined && { [metaKeys.logLevel]: logLevel }),
  };
}

/** A request with an envelope around what it says itself, which stays as it stands. */
export function enveloped(message: RequestMessage, envelope: Envelope): RequestMessage {
  return withMeta(message, { ...metaOf(message.params), ...metaFor(envelope) });
}

/** A request without its envelope. */
export function unveloped(message: RequestMessage): RequestMessage {
  const meta = metaOf(message.params);
  const rest = Object.fromEntries(Object.entries(meta).filter(([name]) => !envelopeKeys.has(name)));
  return message.params?.['_meta'] === undefined ? message : withMeta(message, rest);
}

/** A message with another id, and all else as it stands. */
export function withId<M extends RequestMessage>(message: M, id: M['id']): M {
  return changed(message, { ...message, id }, (text) => withMember(text, [], 'id', JSON.stringify(id)));
}

/** A request with more, or other, parameters. */
export function withParams(message: RequestMessage, more: Readonly<Record<string, unknown>>): RequestMessage {
  const params = { ...message.params, ...more };
  const change = (text: string): string | undefined => {
    if (message.params === undefined) return withMember(text, [], 'params', JSON.stringify(params));
    let all: string | undefined = text;
    for (const [name, value] of Object.entries(more)) {
      if (value !== undefined) all = all && withMember(all, ['params'], name, JSON.stringify(value));
    }
    return all;
  };
  return changed(message, { ...message, params }, change);
}

function withMeta(message: RequestMessage, meta: Record<string, unknown>): RequestMessage {
  return withParams(message, { _meta: meta });
}

function changed<M extends RequestMessage>(
  message: M,
  next: M,
  change: (text: string) => string | undefined,
): M {
  const { text: _text, ...rest } = next;
  const text = message.text === undefined ? undefined : change(message.text);
  // What names a member twice is written anew, as it was read.
  return { ...rest, ...(text !== undefined && { text }) } as M;
}

function metaOf(params: RequestMessage['params']): Readonly<Record<string, unknown>> {
  const meta = params?.['_meta'];
  return isObject(meta) ? meta : {};
}
