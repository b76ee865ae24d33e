import type { JWK } from 'jose';
import { PosternError } from '../../core/postern-error.ts';
import type { PreregisteredClient } from '../../oauth/registration.ts';
import type { TokenRequestOptions } from '../../oauth/token-request.ts';
import { readSecret, type SecretSource } from './secret-source.ts';

/** A client that was registered by hand, as a configuration names it: what is secret may be elsewhere. */
export interface ClientConfig extends Omit<PreregisteredClient, 'clientSecret'> {
  readonly clientSecret?: SecretSource | undefined;
  /** For `private_key_jwt`: a PKCS #8 key in PEM, or a JWK in JSON. */
  readonly privateKey?: SecretSource | undefined;
  /** Of a key in PEM. Default `ES256`. */
  readonly privateKeyAlgorithm?: string | undefined;
}

/** A client that may also be a workload: its platform makes the assertions that it proves itself with. */
export interface WorkloadClientConfig extends ClientConfig {
  /** A JWT of the platform, in the place of a secret or key. @see RFC 7523 §2.2 */
  readonly assertion?: SecretSource | undefined;
}

/** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when a secret is not where it should be, or is no such key. */
export async function readClient(config: WorkloadClientConfig): Promise<PreregisteredClient> {
  const { clientSecret, privateKey, privateKeyAlgorithm, assertion, ...client } = config;
  return {
    ...client,
    ...(clientSecret !== undefined && { clientSecret: await readSecret(clientSecret, 'a client secret') }),
    ...(privateKey !== undefined && { privateKeyJwk: await readKey(privateKey, privateKeyAlgorithm) }),
    ...(assertion !== undefined && { tokenEndpointAuthMethod: 'private_key_jwt' }),
  };
}

/** What its requests need beside the client: an assertion, read anew for each. */
export function proofOf({ assertion }: WorkloadClientConfig): TokenRequestOptions {
  return assertion === undefined
    ? {}
    : { clientAssertion: () => readSecret(assertion, 'a client assertion') };
}

async function readKey(source: SecretSource, algorithm: string | undefined): Promise<JWK> {
  const text = await readSecret(source, 'a private key');
  if (!text.trimStart().startsWith('{')) {
    const { privateKeyFromPem } = await import('../../oauth/client-authentication.ts');
    return privateKeyFromPem(text, algorithm);
  }
  try {
    return JSON.parse(text) as JWK;
  } catch {
    // What it says may quote the key.
    throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', 'a private key is neither PEM nor JSON');
  }
}
