import { rpcCodes } from '../../wire/message.ts';
import { errorAnswer, type HttpAnswer, type RequestHeaders } from '../http/http-answer.ts';

/** The token of a request, or `undefined`. @see RFC 6750 §2.1 */
export function bearerToken(headers: RequestHeaders): string | undefined {
  return /^Bearer +(\S+)$/iu.exec(headers.get('authorization') ?? '')?.[1];
}

/**
 * The answer to who may not call, or has not said who they are.
 *
 * @param parameters of the challenge, beside its error.
 * @see RFC 6750 §3
 */
export function challenge(presented: boolean, parameters: Readonly<Record<string, string>>): HttpAnswer {
  const all = { ...parameters, ...(presented && { error: 'invalid_token' }) };
  const text = Object.entries(all)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ');
  const message = presented ? 'the token is not accepted' : 'a token is needed';
  return errorAnswer(401, { code: rpcCodes.serverError, message }, null, {
    'www-authenticate': `Bearer ${text}`,
  });
}

/** The answer when it cannot be told just now who calls. */
export function notNow(): HttpAnswer {
  const error = { code: rpcCodes.serverError, message: 'it cannot be told just now who calls' };
  return errorAnswer(503, error, null, { 'retry-after': '5' });
}
