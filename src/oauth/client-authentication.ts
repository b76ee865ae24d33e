import type { JWK } from 'jose';
import {
  ClientSecretPost,
  None,
  PrivateKeyJwt,
  TlsClientAuth,
  type Client,
  type ClientAuth,
} from 'oauth4webapi';
import { PosternError } from '../core/postern-error.ts';
import type { ClientIdentity } from './client-identity.ts';

/** Makes the client's assertion where its key is held by somebody else: a workload identity, a KMS. */
export type ClientAssertion = () => string | Promise<string>;

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/**
 * How a client proves itself in a request to its issuer.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the method needs a secret or key there is none of.
 */
export async function authenticationOf(
  identity: ClientIdentity,
  assertion?: ClientAssertion,
): Promise<ClientAuth> {
  const { tokenEndpointAuthMethod, clientSecret, privateKeyJwk } = identity;
  switch (tokenEndpointAuthMethod) {
    case 'none':
      return None();
    case 'client_secret_basic':
      return basic(clientSecret ?? missing('a client secret'));
    case 'client_secret_post':
      return ClientSecretPost(clientSecret ?? missing('a client secret'));
    case 'private_key_jwt':
      if (assertion !== undefined) return assertedBy(assertion);
      return signedBy(privateKeyJwk ?? missing('a private key'));
    case 'tls_client_auth':
    case 'self_signed_tls_client_auth':
      return TlsClientAuth();
  }
}

/** The client as oauth4webapi takes it. */
export function libraryClient(identity: Pick<ClientIdentity, 'clientId'>): Client {
  return { client_id: identity.clientId };
}

/**
 * Reads a PKCS #8 private key, as operators keep them, into the form that is stored.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when it is not such a key, or not for the algorithm.
 */
export async function privateKeyFromPem(pem: string, alg = 'ES256'): Promise<JWK> {
  const { exportJWK, importPKCS8 } = await import('jose');
  try {
    return { ...(await exportJWK(await importPKCS8(pem, alg, { extractable: true }))), alg };
  } catch {
    // The cause may quote the key.
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      `the private key is not a PKCS #8 key for ${JSON.stringify(alg)}`,
    );
  }
}

/** @see RFC 6749 §2.3.1 */
function basic(clientSecret: string): ClientAuth {
  return (_server, client, _body, headers) => {
    const credentials = `${formEncoded(client.client_id)}:${formEncoded(clientSecret)}`;
    headers.set('authorization', `Basic ${btoa(credentials)}`);
  };
}

/**
 * Encodes only what the form encoding encodes. The library's `ClientSecretBasic` encodes hyphens and dots too,
 * and an id like `my-client` is then unknown to the many servers that do not decode.
 */
function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}

function assertedBy(assertion: ClientAssertion): ClientAuth {
  return async (_server, client, body) => {
    body.set('client_id', client.client_id);
    body.set('client_assertion_type', assertionType);
    body.set('client_assertion', await assertion());
  };
}

async function signedBy(jwk: JWK): Promise<ClientAuth> {
  const key = await importKey(jwk);
  return PrivateKeyJwt(jwk.kid === undefined ? key : { key, kid: jwk.kid });
}

async function importKey(jwk: JWK): Promise<CryptoKey> {
  const { importJWK } = await import('jose');
  const key = await importJWK(jwk, jwk.alg ?? 'ES256').catch(() => undefined);
  if (key === undefined || key instanceof Uint8Array || key.type !== 'private') {
    return missing('an asymmetric private key');
  }
  return key;
}

function missing(what: string): never {
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `the client's way of authenticating needs ${what}`,
  );
}
