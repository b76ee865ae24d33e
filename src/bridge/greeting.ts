import type { RequestMessage } from '../wire/message.ts';
import { isObject } from '../wire/message.ts';
import { envelopeOf } from '../wire/eras/envelope.ts';
import { versionIn } from '../wire/request-headers.ts';

/** The revisions of the protocol come in two eras: with a handshake and a session, and without. */
export type Era = 'legacy' | 'modern';

/** By what a host begins: the question of which a server says what it can do. */
export interface Greeting {
  readonly era: Era;
  readonly message: RequestMessage;
  /** Names the question among others: the same answer would be right for it again. */
  readonly question: string;
  /** What the answer is while nothing is known of the server. */
  readonly minimal: (server: string) => object;
  /** What each result has beside its own members. */
  readonly extra: Readonly<Record<string, unknown>>;
  /** What the host can do, as it says with the greeting or, in the modern era, with each request. */
  readonly capabilitiesOf: (message: RequestMessage) => Readonly<Record<string, unknown>>;
  /** The parameters of a request that the bridge makes in the host's name. */
  readonly paramsOf: () => { readonly params?: Readonly<Record<string, unknown>> };
}

const newestLegacy = '2025-11-25';
/** What a version may look like. Others are answered with the newest that a server of that era speaks. */
const version = /^\d{4}-\d{2}-\d{2}$/u;

/** A greeting; `undefined` for any other request. */
export function greetingOf(message: RequestMessage): Greeting | undefined {
  // In the newer era it is a method like any other, which a server of that era does not know.
  if (message.method === 'initialize')
    return versionIn(message.params) === undefined ? legacyGreeting(message) : undefined;
  return message.method === 'server/discover' ? modernGreeting(message) : undefined;
}

/** The greeting of a host that makes none: each of its requests says what it would have said. */
export function impliedGreeting({ params }: RequestMessage): Greeting | undefined {
  if (versionIn(params) === undefined) return undefined;
  const { progressToken: _progressToken, ...meta } = isObject(params?.['_meta']) ? params['_meta'] : {};
  return modernGreeting({
    kind: 'request',
    id: 'postern:discover',
    method: 'server/discover',
    params: { _meta: meta },
  });
}

function legacyGreeting(message: RequestMessage): Greeting {
  const asked = message.params?.['protocolVersion'];
  const protocolVersion = typeof asked === 'string' && version.test(asked) ? asked : newestLegacy;
  return {
    era: 'legacy',
    message,
    question: protocolVersion,
    extra: {},
    capabilitiesOf: () => (isObject(message.params?.['capabilities']) ? message.params['capabilities'] : {}),
    paramsOf: () => ({}),
    minimal: (server) => ({
      protocolVersion: protocolVersion > newestLegacy ? newestLegacy : protocolVersion,
      capabilities: { tools: { listChanged: true } },
      serverInfo: { name: server, version: '0' },
      instructions: instructionsFor(server),
    }),
  };
}

function modernGreeting(message: RequestMessage): Greeting {
  const meta = message.params?.['_meta'];
  const spoken = versionIn(message.params) ?? '2026-07-28';
  return {
    era: 'modern',
    message,
    question: `server/discover ${spoken}`,
    // Until somebody has signed in, and no longer.
    extra: { resultType: 'complete', ttlMs: 0, cacheScope: 'private' },
    capabilitiesOf: (asking) => envelopeOf(asking).capabilities,
    paramsOf: () => (isObject(meta) ? { params: { _meta: meta } } : {}),
    minimal: (server) => ({
      resultType: 'complete',
      supportedVersions: [spoken],
      capabilities: { tools: { listChanged: true } },
      instructions: instructionsFor(server),
      ttlMs: 0,
      cacheScope: 'private',
    }),
  };
}

function instructionsFor(server: string): string {
  return `The server ${JSON.stringify(server)} is not connected yet. If the user has to sign in first, the tool "login" gives them the link.`;
}
