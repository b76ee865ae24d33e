import { PosternError } from '../core/postern-error.ts';
import { describeUrl } from '../oauth/describe-url.ts';
import { readJsonBody } from '../oauth/json-body.ts';
import type { OAuthHttp } from '../oauth/oauth-http.ts';
import { purposeHeader } from './recording.ts';

/** What an issuer said when it registered a client. */
export interface RegistrationReply {
  readonly status: number;
  readonly reply: Readonly<Record<string, unknown>>;
}

/** The same requests, with every answer of the registration endpoint kept. */
export function keepReplies(http: OAuthHttp, endpoint: string, kept: RegistrationReply[]): OAuthHttp {
  const href = new URL(endpoint).href;
  return {
    ...http,
    fetch: async (url, init) => {
      const response = await http.fetch(url, init);
      if (new URL(url).href === href) {
        const { object } = await readJsonBody(response.clone());
        kept.push({ status: response.status, reply: object ?? {} });
      }
      return response;
    },
  };
}

/**
 * Deletes a client that has just been registered. `false`: the issuer offers no way to.
 *
 * @throws {PosternError} ERR_POSTERN_OAUTH_REQUEST_REFUSED when it refuses.
 * @see RFC 7592 §2.3
 */
export async function deleteClient(reply: RegistrationReply['reply'], http: OAuthHttp): Promise<boolean> {
  const { registration_client_uri: uri, registration_access_token: token } = reply;
  if (typeof uri !== 'string' || typeof token !== 'string') return false;
  const response = await http.fetch(http.checkUrl(uri).href, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${token}`, [purposeHeader]: 'the client is deleted again' },
  });
  if (response.ok) return true;
  throw new PosternError(
    'ERR_POSTERN_OAUTH_REQUEST_REFUSED',
    `${describeUrl(uri)} answered the deletion with status ${response.status}`,
  );
}
