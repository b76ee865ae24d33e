import { connect } from 'node:tls';

/** What a handshake by TLS says of the other side. */
export interface TlsFacts {
  /** `TLSv1.3`. */
  readonly protocol: string | undefined;
  /** Of the application protocols that were offered, the one that it chose: `h2`, `http/1.1`. */
  readonly applicationProtocol: string | undefined;
  /** Until when its certificate is good, in milliseconds since the epoch. */
  readonly validUntilMs: number | undefined;
}

/** Shakes hands with the host of an address, verifying its certificate. Rejects as `fetch` would, with the code of what failed. */
export type ProbeTls = (url: URL, timeoutMs: number, signal: AbortSignal) => Promise<TlsFacts>;

export const probeTls: ProbeTls = (url, timeoutMs, signal) =>
  new Promise((resolve, reject) => {
    const host = url.hostname.replaceAll(/^\[|\]$/gu, '');
    const socket = connect({
      host,
      port: url.port === '' ? 443 : Number(url.port),
      // An address is no name to ask for.
      ...(/^[\d.]+$|:/u.test(host) ? {} : { servername: host }),
      ALPNProtocols: ['h2', 'http/1.1'],
      timeout: timeoutMs,
    });
    const giveUp = (): void =>
      void socket.destroy(Object.assign(new Error('given up'), { code: 'ETIMEDOUT' }));
    signal.addEventListener('abort', giveUp, { once: true });
    socket.once('close', () => signal.removeEventListener('abort', giveUp));
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.once('error', fail);
    socket.once('timeout', () =>
      fail(Object.assign(new Error('no handshake in time'), { code: 'ETIMEDOUT' })),
    );
    socket.once('secureConnect', () => {
      const validUntilMs = Date.parse(socket.getPeerCertificate().valid_to ?? '');
      resolve({
        protocol: socket.getProtocol() ?? undefined,
        applicationProtocol:
          socket.alpnProtocol === false || socket.alpnProtocol === null ? undefined : socket.alpnProtocol,
        validUntilMs: Number.isNaN(validUntilMs) ? undefined : validUntilMs,
      });
      socket.end();
      socket.destroy();
    });
  });
