import { expect, test } from 'vitest';
import { EventStreamParser, type StreamEvent } from './event-stream.ts';

function parse(pieces: Iterable<string>, maxLength = 1_000): { events: StreamEvent[]; retries: number[] } {
  const events: StreamEvent[] = [];
  const retries: number[] = [];
  const parser = new EventStreamParser({
    maxLength,
    onEvent: (event) => events.push(event),
    onRetry: (delayMs) => retries.push(delayMs),
  });
  for (const piece of pieces) parser.push(piece);
  return { events, retries };
}

const stream =
  '\uFEFF: a comment\r\nid: 1\ndata: {"a":\rdata:1}\n\nevent: ping\r\ndata\r\n\r\nretry: 20\nretry: soon\ndata:  two\nother: x\n\nid: 9\n\ndata: cut off';

test('a stream is read the same wherever it is cut', () => {
  const whole = parse([stream]);
  expect(whole.events).toEqual([
    { event: 'message', data: '{"a":\n1}', id: '1' },
    { event: 'ping', data: '', id: undefined },
    { event: 'message', data: ' two', id: undefined },
    { event: 'message', data: '', id: '9' },
  ]);
  expect(whole.retries).toEqual([20]);
  for (let at = 0; at <= stream.length; at++)
    expect(parse([stream.slice(0, at), stream.slice(at)])).toEqual(whole);
  expect(parse(stream)).toEqual(whole);
});

test('an event that is too long is given up while it comes, in one line or in many', () => {
  expect(() => parse(['data: ', 'x'.repeat(600), 'x'.repeat(600)])).toThrow(RangeError);
  expect(() => parse(Array.from({ length: 20 }, () => `data: ${'x'.repeat(80)}\n`))).toThrow(RangeError);
});
