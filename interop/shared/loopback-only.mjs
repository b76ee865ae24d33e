// Loaded before a peer: whatever would listen on every address listens on this machine alone, and an example that
// has its port written into it gets the one it is given.
import { Server } from 'node:net';

const everywhere = new Set([undefined, '', '::', '0.0.0.0']);
const { listen } = Server.prototype;
const given = process.env.INTEROP_PORT;

function portOf(port) {
  return given !== undefined && Number(port) === 3_000 ? Number(given) : port;
}

Server.prototype.listen = function listenHere(first, ...rest) {
  if (typeof first === 'object' && first !== null && 'port' in first) {
    const host = everywhere.has(first.host) ? '127.0.0.1' : first.host;
    return listen.call(this, { ...first, host, port: portOf(first.port) }, ...rest);
  }
  if (typeof first !== 'number' && !/^\d+$/u.test(String(first))) return listen.call(this, first, ...rest);
  const hasHost = typeof rest[0] === 'string' || rest[0] === undefined;
  const [host, ...others] = hasHost ? rest : [undefined, ...rest];
  return listen.call(this, portOf(Number(first)), everywhere.has(host) ? '127.0.0.1' : host, ...others);
};
