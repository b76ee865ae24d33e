import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { hostileKinds, type HostileKind, type HostileServer } from './start-hostile-servers.ts';

/**
 * The process of servers that are no good: as many as it is told, each on a port of its own and of one kind, in turn. They
 * write to their sockets themselves, since no HTTP server would write what they do. They end when their parent does.
 */

/** Ends by itself, should everything else fail. */
setTimeout(() => process.exit(1), 20 * 60_000).unref();

const head = (type: string, ...more: readonly string[]): string =>
  ['HTTP/1.1 200 OK', `content-type: ${type}`, ...more, '', ''].join('\r\n');
const json = (...more: readonly string[]): string => head('application/json', ...more);
const events = (...more: readonly string[]): string => head('text/event-stream', ...more);
const chunked = 'transfer-encoding: chunked';
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

const mebibyte = Buffer.alloc(1_048_576, 'a');
const bomb = gzipSync(Buffer.alloc(200 * 1_048_576));
const objects = Buffer.from(`[${'{},'.repeat(20 * 1_048_576)}{}]`);
const depth = Buffer.from('['.repeat(20 * 1_048_576));
const tinyEvents = Buffer.from(chunk('data: {}\n\n').repeat(100_000));
const tinyChunks = Buffer.from(chunk('a').repeat(500_000));
const onHold = Buffer.from('HTTP/1.1 102 Processing\r\n\r\n'.repeat(100_000));

/** What each does once a request has come; `request` is its first line. */
const behaviour: Readonly<Record<HostileKind, (socket: Socket, request: string) => void>> = {
  'says nothing': () => {},
  'sends its headers letter by letter': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nx-slow: ');
    every(socket, 1_000, () => 'a');
  },
  'sends its body letter by letter': (socket) => {
    socket.write(json('content-length: 100000'));
    every(socket, 100, () => ' ');
  },
  'never ends its body': (socket) => {
    socket.write(json());
    flood(socket, mebibyte);
  },
  'cuts its body off': (socket) => void socket.end(`${json('content-length: 1000')}{`),
  'says less than it sends': (socket) => void socket.end(`${json('content-length: 1')}{"a":"b"}`),
  'says two lengths': (socket) => void socket.end(`${json('content-length: 2', 'content-length: 20')}{}`),
  'lies about its encoding': (socket) =>
    void socket.end(`${json('content-encoding: br', 'content-length: 2')}{}`),
  'unfolds to a thousand times as much': (socket) => {
    socket.write(json('content-encoding: gzip', `content-length: ${bomb.length}`));
    socket.end(bomb);
  },
  'sends millions of objects': (socket) => {
    socket.write(json(`content-length: ${objects.length}`));
    socket.end(objects);
  },
  'nests millions deep': (socket) => {
    socket.write(json(`content-length: ${depth.length}`));
    socket.end(depth);
  },
  'sends a hundred thousand events': (socket) => {
    socket.write(events(chunked));
    socket.end(Buffer.concat([tinyEvents, Buffer.from('0\r\n\r\n')]));
  },
  'sends one event without an end': (socket) => {
    socket.write(`${events()}data: `);
    flood(socket, mebibyte);
  },
  'has its stream taken up again at once': (socket) =>
    void socket.end(`${events(chunked)}${chunk('id: 1\nretry: 0\ndata:\n\n')}0\r\n\r\n`),
  'redirects for ever': (socket, request) => {
    const at = Number(/\d+/u.exec(request)?.[0] ?? 0) + 1;
    socket.write(`HTTP/1.1 307 Further\r\nlocation: /${at}\r\ncontent-length: 0\r\n\r\n`);
  },
  'sends chunks of one letter': (socket) => {
    socket.write(json(chunked));
    socket.write(tinyChunks);
    socket.end('0\r\n\r\n');
  },
  'sends more trailers than are read': (socket) =>
    void socket.end(`${json(chunked)}${chunk('{}')}0\r\n${'x-trailer: a\r\n'.repeat(50_000)}\r\n`),
  'says a hundred thousand times to wait': (socket) => {
    socket.write(onHold);
    socket.end(`${json('content-length: 2')}{}`);
  },
  'asks to be left alone for ages': (socket) =>
    void socket.end('HTTP/1.1 503 Busy\r\nretry-after: 1000000000000\r\ncontent-length: 0\r\n\r\n'),
  'hangs up as the next request comes': (socket) => {
    socket.write(`${json('content-length: 2')}{}`);
    socket.once('data', () => socket.destroy());
  },
};

async function open(kind: HostileKind, asIssuer: boolean): Promise<HostileServer> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const [request = ''] = data.toString('latin1').split('\r\n', 1);
      if (asIssuer && !request.includes('/.well-known/')) refuse(socket, port);
      else behaviour[kind](socket, request);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { kind, asIssuer, url: `http://127.0.0.1:${port}/mcp` };
}

/** Sends whoever asks to an authorization server at the same place. */
function refuse(socket: Socket, port: number): void {
  const metadata = `http://127.0.0.1:${port}/.well-known/oauth-protected-resource`;
  socket.write(
    `HTTP/1.1 401 No\r\nwww-authenticate: Bearer resource_metadata="${metadata}"\r\ncontent-length: 0\r\n\r\n`,
  );
}

function every(socket: Socket, ms: number, text: () => string): void {
  const timer = setInterval(() => socket.write(text()), ms);
  socket.once('close', () => clearInterval(timer));
}

function flood(socket: Socket, bytes: Buffer): void {
  const more = (): void => {
    if (!socket.destroyed && socket.write(bytes)) setImmediate(more);
  };
  socket.on('drain', more);
  more();
}

const count = Number(process.argv[2] ?? hostileKinds.length);
const servers: HostileServer[] = [];
for (let at = 0; at < count; at++) {
  const kind = hostileKinds[at % hostileKinds.length]!;
  // Each kind is both, by turns.
  servers.push(await open(kind, Math.floor(at / hostileKinds.length) % 2 === 1));
}
process.send?.(servers);
process.once('disconnect', () => process.exit(0));
