import { PassThrough, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { readLines, writeLines, type RefusedLine } from './lines.ts';
import type { Message } from './message.ts';

interface Heard {
  readonly messages: Message[];
  readonly refused: RefusedLine[];
  readonly error: Error | undefined;
}

/** All that is read of some chunks. */
function readAll(chunks: Iterable<string | Uint8Array>, maxBytes?: number): Promise<Heard> {
  const stream = new PassThrough();
  const messages: Message[] = [];
  const refused: RefusedLine[] = [];
  const heard = new Promise<Heard>((resolve) => {
    readLines(stream, {
      maxBytes,
      onMessage: (message) => void messages.push(message),
      onRefused: (line) => void refused.push(line),
      onEnd: (error) => resolve({ messages, refused, error }),
    });
  });
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  return heard;
}

const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
const methods = ({ messages }: Heard): unknown[] =>
  messages.map((message) => 'method' in message && message.method);

test('lines come whole wherever the stream is cut', async () => {
  const bytes = new TextEncoder().encode(`${ping}\r\n\n{"jsonrpc":"2.0","method":"é\u2028漢"}\n${ping}`);
  for (let at = 0; at <= bytes.byteLength; at++) {
    const heard = await readAll([bytes.subarray(0, at), bytes.subarray(at)]);
    expect(methods(heard)).toEqual(['ping', 'é\u2028漢', 'ping']);
    expect(heard.refused).toEqual([]);
  }
  const single = await readAll(Array.from(bytes, (byte) => Uint8Array.of(byte)));
  expect(methods(single)).toEqual(['ping', 'é\u2028漢', 'ping']);
});

test.each([
  ['half an object', '{'],
  ['a batch', '[]'],
  ['null', 'null'],
  ['a banner', 'Server listening on port 3000'],
  ['invalid UTF-8', Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d)],
])('%s is refused, and the next message is read', async (_what, line) => {
  const heard = await readAll([line, '\n', ping, '\n']);
  expect(heard.refused).toHaveLength(1);
  expect(methods(heard)).toEqual(['ping']);
});

test('a line that is too long is dropped as it comes, refused once, and the next is read', async () => {
  const heard = await readAll(
    ['x'.repeat(60), 'x'.repeat(60), 'x'.repeat(60), '\n', ping, '\n', 'y'.repeat(101)],
    100,
  );
  expect(heard.refused.map(({ tooLong, bytes }) => [tooLong, bytes])).toEqual([
    [true, 120],
    [true, 101],
  ]);
  expect(methods(heard)).toEqual(['ping']);
});

test('a million empty lines are nothing', async () => {
  const heard = await readAll(['\n'.repeat(1_000_000), ping]);
  expect(methods(heard)).toEqual(['ping']);
  expect(heard.refused).toEqual([]);
});

test('nothing more is read while a message is held', async () => {
  const stream = new PassThrough({ highWaterMark: 64 });
  let release: (() => void) | undefined;
  const taken: number[] = [];
  const ended = new Promise<void>((resolve) => {
    readLines(stream, {
      onMessage: ({ kind, ...message }) => {
        taken.push((message as { id: number }).id);
        if (taken.length === 1) return new Promise<void>((freed) => (release = freed));
        return undefined;
      },
      onRefused: () => undefined,
      onEnd: () => resolve(),
    });
  });
  for (let id = 1; id <= 100; id++) stream.write(`{"jsonrpc":"2.0","id":${id},"result":{}}\n`);
  stream.end();
  await new Promise((resolve) => setImmediate(resolve));
  expect(taken).toEqual([1]);
  expect(stream.isPaused()).toBe(true);
  release?.();
  await ended;
  expect(taken).toHaveLength(100);
});

test('whoever fails over one message gets the next', async () => {
  const stream = new PassThrough();
  let count = 0;
  const ended = new Promise<void>((resolve) => {
    readLines(stream, {
      onMessage: async () => {
        count++;
        throw new Error('mine');
      },
      onRefused: () => undefined,
      onEnd: () => resolve(),
    });
  });
  stream.end(`${ping}\n${ping}\n`);
  await ended;
  expect(count).toBe(2);
});

test('a stream that breaks ends the reading with its error', async () => {
  const stream = new PassThrough();
  const error = await new Promise<Error | undefined>((resolve) => {
    readLines(stream, { onMessage: () => undefined, onRefused: () => undefined, onEnd: resolve });
    stream.destroy(new Error('broken'));
  });
  expect(error?.message).toBe('broken');
});

test('sending waits for a slow reader, and keeps the order', async () => {
  const written: string[] = [];
  const slow = new Writable({
    highWaterMark: 10,
    decodeStrings: false,
    write: (chunk: string, _encoding, done) => {
      written.push(chunk);
      setImmediate(done);
    },
  });
  const writer = writeLines(slow);
  const sent = [writer.send({ a: 1 }), writer.send('{"b":22222}'), writer.send({ c: 3 })];
  expect(writer.queuedBytes).toBeGreaterThan(10);
  expect(await Promise.all(sent)).toEqual([true, true, true]);
  expect(written.join('')).toBe('{"a":1}\n{"b":22222}\n{"c":3}\n');
  expect(writer.queuedBytes).toBe(0);
});

test.each(['EPIPE', 'ENOSPC'])('%s is an end, and no crash', async (code) => {
  const broken = new Writable({
    highWaterMark: 1,
    write: (_chunk, _encoding, done) => setImmediate(() => done(Object.assign(new Error(code), { code }))),
  });
  let ends = 0;
  const writer = writeLines(broken, (error) => {
    ends++;
    expect(error).toMatchObject({ code });
  });
  expect(await writer.send({})).toBe(false);
  expect(await writer.send({})).toBe(false);
  expect(writer.ended).toBe(true);
  expect(ends).toBe(1);
});
