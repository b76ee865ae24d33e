import { maxStrayEvents } from '../../wire/event-stream.ts';
import { speechError } from './remote-errors.ts';
import type { RemoteOptions } from './remote-options.ts';

/** What one stream brings. */
export interface StrayEvents {
  /** An event was a message. */
  spoke(): void;
  /** An event was none, and why. @throws {PosternError} when there have been too many. */
  strayed(reason: string): void;
}

/**
 * What is done with the events of one stream that are no messages: the first is told of, and a stream that brings
 * nothing else is no longer read.
 */
export function strayEvents({ logger, server }: Pick<RemoteOptions, 'logger' | 'server'>): StrayEvents {
  let isTold = false;
  let count = 0;
  return {
    spoke: () => void (count = 0),
    strayed: (reason) => {
      if (!isTold) logger.warn('an event of a server is no message', { server, reason });
      isTold = true;
      if (++count > maxStrayEvents) throw speechError(server, 'sends events that are no messages');
    },
  };
}
