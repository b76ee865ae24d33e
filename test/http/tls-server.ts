import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';
import { onTestFinished } from 'vitest';

export interface Certificate {
  readonly cert: string;
  readonly private: string;
}

/** An authority of one certificate: it signs itself, and is trusted where it is named. */
export function makeCertificate(name: string): Promise<Certificate> {
  return generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
    ],
  });
}

/** Who sends a request, by their certificate. */
export function nameOfClient({ socket }: IncomingMessage): string {
  return String((socket as TLSSocket).getPeerCertificate().subject?.CN);
}

/** A server over TLS; by itself it answers with who its client is. `isOptional`: also who shows no certificate, or another, is answered. */
export async function openTlsServer(
  own: Certificate,
  clients?: Pick<Certificate, 'cert'> & { readonly isOptional?: boolean },
  answer = (request: IncomingMessage, response: ServerResponse): void =>
    void response.end(nameOfClient(request)),
): Promise<string> {
  const asked = clients && {
    requestCert: true,
    ca: clients.cert,
    rejectUnauthorized: clients.isOptional !== true,
  };
  const server = createServer({ cert: own.cert, key: own.private, ...asked }, answer);
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `https://localhost:${(server.address() as AddressInfo).port}/`;
}
