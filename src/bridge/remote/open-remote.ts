import { isAuthorizationRequired } from '../../client/auth/authorization-required-error.ts';
import { findPosternError } from '../../core/postern-error.ts';
import { isModernOnly } from '../../wire/eras/greetings.ts';
import type { NotificationMessage } from '../../wire/message.ts';
import type { Era } from '../greeting.ts';
import { LegacyRemote, type LegacyTransport } from './legacy-remote.ts';
import { ModernRemote } from './modern-remote.ts';
import { StreamableHttp } from './streamable-http.ts';
import type { Answer } from './answer.ts';
import type { OpenedRemote, OpenedSession, OpeningOptions } from './opened-remote.ts';

const initialized: NotificationMessage = { kind: 'notification', method: 'notifications/initialized' };

/**
 * Connects to a server in the era of the host, and in the other where it speaks only that, unless one is asked for.
 *
 * @throws what its requests fail with.
 */
export async function openRemote(options: OpeningOptions): Promise<OpenedRemote> {
  const { greeting, protocol } = options;
  const own = greeting.era;
  const other = own === 'legacy' ? 'modern' : 'legacy';
  if (protocol === other) return openOther(options);
  const opened = await (own === 'legacy' ? openLegacy : openModern)(options).then(
    (found) => ({ found }),
    (error: unknown) => ({ error }),
  );
  const isOther = 'found' in opened ? isOfOther(opened.found.greeting, own) : isRefusal(opened.error);
  if (protocol === 'auto' && isOther && !options.signal.aborted) {
    const { loaded } = await openOther(options).then(
      (found) => ({ loaded: found.greeting.kind === 'result' ? found : undefined }),
      (error: unknown) => {
        if (isAuthorizationRequired(error)) throw error;
        return { loaded: undefined };
      },
    );
    if (loaded !== undefined) return loaded;
  }
  if ('error' in opened) throw opened.error;
  return opened.found;
}

/** Whether a greeting was refused by a server that may be one of the other era. */
function isOfOther(greeting: Answer, own: Era): boolean {
  if (greeting.kind === 'result') return false;
  return own === 'modern' || isModernOnly(greeting.error);
}

function isRefusal(error: unknown): boolean {
  const status = findPosternError(error)?.evidence?.httpStatus;
  return status !== undefined && status >= 400 && status < 500 && status !== 429;
}

/** A server of the other era than its host's. */
async function openOther(options: OpeningOptions): Promise<OpenedRemote> {
  const { openForLegacyHost, openForModernHost } = await import('./open-other.ts');
  if (options.greeting.era === 'legacy') return openForLegacyHost(options);
  return openForModernHost(options, (other) => openLegacy(other));
}

async function openLegacy(options: OpeningOptions): Promise<OpenedSession> {
  const [first = 'streamable-http', ...others] = options.transports;
  try {
    return await openSession(options, await transportOf(first, options));
  } catch (error) {
    const [next] = others;
    if (next === undefined || !isOtherTransport(error)) throw error;
    // What the second fails with says less than what the first has said.
    return openSession(options, await transportOf(next, options)).catch((second: unknown) => {
      throw isAuthorizationRequired(second) ? second : error;
    });
  }
}

async function openSession(options: OpeningOptions, transport: LegacyTransport): Promise<OpenedSession> {
  const remote = new LegacyRemote(transport, options.greeting.message);
  const greeting = await remote.open(options.signal);
  return { remote, greeting, begin: (own) => remote.begin(own ?? initialized) };
}

async function openModern(options: OpeningOptions): Promise<OpenedRemote> {
  const remote = new ModernRemote(options.remote);
  const greeting = await remote.request(options.greeting.message, { signal: options.signal });
  return { remote, greeting, begin: async () => {} };
}

/** Whether a server that was asked by one transport may be one of the other. @see MCP 2025-11-25, "Backwards compatibility" */
function isOtherTransport(error: unknown): boolean {
  const status = findPosternError(error)?.evidence?.httpStatus;
  return status === 400 || status === 404 || status === 405 || status === 406 || status === 415;
}

async function transportOf(
  transport: OpeningOptions['transports'][number],
  { remote }: OpeningOptions,
): Promise<LegacyTransport> {
  if (transport === 'streamable-http') return new StreamableHttp(remote);
  const { EventStreamTransport } = await import('./event-stream-transport.ts');
  return new EventStreamTransport(remote);
}
