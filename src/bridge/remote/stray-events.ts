import { maxStrayEvents } from '../../wire/event-stream.ts';
import { speechError } from './remote-errors.ts';
import type { RemoteOptions } from './remote-options.ts';

/**
 * What is done with the events of one stream that are no messages: the first is told of, and a stream that brings many is no
 * longer read.
 *
 * @returns what is told why an event is none. @throws {PosternError} when there have been too many.
 */
export function strayEvents({
  logger,
  server,
}: Pick<RemoteOptions, 'logger' | 'server'>): (reason: string) => void {
  let count = 0;
  return (reason) => {
    count++;
    if (count === 1) logger.warn('an event of a server is no message', { server, reason });
    if (count > maxStrayEvents) throw speechError(server, 'sends events that are no messages');
  };
}
