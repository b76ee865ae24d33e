import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Keeps a server's connections below a limit by closing the oldest that nobody is answering: whoever says nothing, or only
 * half of something, keeps nobody out.
 *
 * Returns what to call while a connection's request is being answered.
 */
export function makeRoom(
  server: Server,
  maxConnections: number,
): <T>(socket: Socket, work: () => Promise<T>) => Promise<T> {
  const open = new Set<Socket>();
  const answering = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    if (open.size <= maxConnections) return;
    // In the order they came; the new one itself when all others are being answered.
    const quiet = [...open].find((other) => !answering.has(other));
    quiet?.destroy();
  });
  return async (socket, work) => {
    answering.add(socket);
    try {
      return await work();
    } finally {
      answering.delete(socket);
    }
  };
}
