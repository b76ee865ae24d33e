import { isPosternError } from '../core/postern-error.ts';
import { describeUrl } from '../oauth/describe-url.ts';
import { readJsonBody } from '../oauth/json-body.ts';
import type { OAuthHttp } from '../oauth/oauth-http.ts';

/**
 * What an authorization server would have against a client metadata document; `undefined`: nothing, as far as it is seen
 * from here.
 *
 * @see the section "Client ID Metadata Documents" of the MCP authorization specification
 */
export async function findDocumentProblem(
  url: string,
  redirectUri: string,
  http: OAuthHttp,
): Promise<string | undefined> {
  const where = describeUrl(url);
  let response: Response;
  try {
    response = await http.getDocument(new URL(url));
  } catch (error) {
    if (!isPosternError(error)) throw error;
    return `${where} cannot be fetched from here: ${error.message}`;
  }
  if (response.status !== 200) return `${where} is answered with status ${response.status}`;
  const { object } = await readJsonBody(response);
  if (object === undefined) return `${where} is no JSON object`;
  if (object['client_id'] !== url) return `"client_id" of ${where} is not its own address, letter for letter`;
  const uris = object['redirect_uris'];
  if (!Array.isArray(uris) || !uris.includes(redirectUri))
    return `"redirect_uris" of ${where} do not have ${redirectUri}`;
  if (typeof object['client_name'] !== 'string') return `${where} has no "client_name"`;
  return undefined;
}
