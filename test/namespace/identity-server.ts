import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type JWK, type JWTPayload } from 'jose';

/** A loopback issuer of signed and opaque tokens, with a key set and an introspection endpoint. */
export interface IdentityServer {
  readonly issuer: string;
  readonly jwksUrl: URL;
  readonly introspectionEndpoint: string;
  /** How often the key set was fetched. */
  readonly keySetFetches: number;
  /** Signs with the current key. */
  sign(claims: JWTPayload): Promise<string>;
  /** A token that only introspection can tell apart from noise. */
  issueOpaque(claims: JWTPayload): string;
  revoke(token: string): void;
  /** Signs with a new key from now on, and publishes only that. */
  rotate(): Promise<void>;
  /** What the key set is answered with, instead of the keys. */
  breakKeySet(answer: ((response: ServerResponse) => void) | undefined): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startIdentityServer(): Promise<IdentityServer> {
  let serial = 0;
  let keySetFetches = 0;
  let broken: ((response: ServerResponse) => void) | undefined;
  let current = await newKey();
  const opaque = new Map<string, JWTPayload>();

  async function newKey(): Promise<{ kid: string; privateKey: CryptoKey; published: JWK }> {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const kid = `key-${++serial}`;
    return { kid, privateKey, published: { ...(await exportJWK(publicKey)), kid, use: 'sig', alg: 'ES256' } };
  }

  const server = createServer((request, response) => {
    if (request.url === '/jwks') {
      keySetFetches++;
      if (broken !== undefined) broken(response);
      else sendJson(response, { keys: [current.published] });
      return;
    }
    if (request.url !== '/introspect') {
      response.writeHead(404).end();
      return;
    }
    readText(request).then(
      (text) => {
        const claims = opaque.get(new URLSearchParams(text).get('token') ?? '');
        sendJson(response, claims === undefined ? { active: false } : { active: true, ...claims });
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    issuer,
    jwksUrl: new URL('/jwks', issuer),
    introspectionEndpoint: `${issuer}/introspect`,
    get keySetFetches() {
      return keySetFetches;
    },
    sign: (claims) =>
      new SignJWT({ iss: issuer, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: current.kid, typ: 'at+jwt' })
        .setIssuedAt()
        .setExpirationTime('5 minutes')
        .sign(current.privateKey),
    issueOpaque: (claims) => {
      const token = `opaque-${++serial}`;
      opaque.set(token, claims);
      return token;
    },
    revoke: (token) => void opaque.delete(token),
    rotate: async () => {
      current = await newKey();
    },
    breakKeySet: (answer) => {
      broken = answer;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function sendJson(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
