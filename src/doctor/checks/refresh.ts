import { isPosternError } from '../../core/postern-error.ts';
import { describeUrl } from '../../oauth/describe-url.ts';
import type { Discovery } from '../../oauth/discovery.ts';
import { canRefresh } from '../../oauth/grant-record.ts';
import { readJsonBody } from '../../oauth/json-body.ts';
import { nameError, registeredError } from '../../oauth/oauth-errors.ts';
import { isErrorAnswer, meantError } from '../../oauth/profiles/meant-error.ts';
import { defineCheck, type Check } from '../check.ts';
import { whyNoIssuer } from '../known.ts';
import { purposeHeader } from '../recording.ts';
import { mcp, rfc } from '../specification.ts';
import type { Step } from '../step.ts';
import { whatOf } from './resource-metadata.ts';

type FindingId =
  | 'refresh.not-offered'
  | 'refresh.none-came'
  | 'token-errors.status-200'
  | 'token-errors.unregistered'
  | 'token-errors.not-json'
  | 'token-endpoint.missing'
  | 'token-endpoint.failing'
  | 'token-endpoint.not-compared';

/** No issuer has given it out. */
const madeUp = 'postern-doctor-made-this-up';

export const refresh: Check = defineCheck<FindingId>({
  id: 'refresh',
  title: 'Renewing without a person (token endpoint)',
  asks: 'A refresh with a token and, where there is none, a client that are made up: it can only be refused, and how it is refused is what an ended grant would look like. A stored refresh token is never sent.',
  judges:
    'Refresh tokens are offered. A refusal comes as 400 or 401 with a registered error in JSON: by others, a grant that has ended is not told from a fault that passes.',
  specification: [rfc(6749, '5.2'), rfc(6749, '6'), mcp('Authorization', 'Refresh Tokens')],
  findings: {
    'refresh.not-offered': {
      severity: 'warning',
      fixedBy: 'issuer',
      meaning:
        'The authorization server says that it has no refresh tokens: its people sign in whenever a token has ended.',
      fix: 'Give refresh tokens, and list "refresh_token" in "grant_types_supported".',
      specification: rfc(8414, '2'),
    },
    'refresh.none-came': {
      severity: 'warning',
      fixedBy: 'issuer',
      meaning:
        'The sign-in that is stored brought no refresh token, or that has ended: the next token needs the person.',
      fix: 'Give a refresh token, where the client asks for one.',
      specification: rfc(6749, '6'),
    },
    'token-errors.status-200': {
      severity: 'warning',
      fixedBy: 'issuer',
      meaning: 'Errors of the token endpoint come with status 200. Other clients take them for tokens.',
      fix: 'Answer errors with status 400, or 401 for the client.',
      specification: rfc(6749, '5.2'),
    },
    'token-errors.unregistered': {
      severity: 'warning',
      fixedBy: 'issuer',
      meaning:
        'A refresh token that is not known is refused by an error of the issuer’s own: a client cannot tell that the grant has ended.',
      fix: 'Answer with the registered error: "invalid_grant" for a token that is not known, "invalid_client" for a client.',
      specification: rfc(6749, '5.2'),
    },
    'token-errors.not-json': {
      severity: 'warning',
      fixedBy: 'issuer',
      meaning: 'The token endpoint’s refusal is no JSON object.',
      fix: 'Answer in JSON.',
      specification: rfc(6749, '5.2'),
    },
    'token-endpoint.missing': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning: 'There is nothing at the address of the token endpoint.',
      fix: 'Mend "token_endpoint" of the metadata.',
      specification: rfc(8414, '2'),
    },
    'token-endpoint.failing': {
      severity: 'warning',
      fixedBy: 'issuer',
      meaning: 'The token endpoint fails (5xx), or does not answer, where it should refuse.',
      fix: 'Look into that server’s log.',
      specification: rfc(6749, '5.2'),
    },
    'token-endpoint.not-compared': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning: 'The token endpoint gives tokens for a refresh token that is made up.',
      fix: 'Give tokens only for what was given out. It may be meant for tests; it is good for nothing else.',
      specification: rfc(6749, '6'),
    },
  },
  async run(step) {
    const { known, options } = step;
    const { discovery } = known;
    if (discovery === undefined) return step.skip(whyNoIssuer(step.known));
    const types = discovery.server.grant_types_supported;
    if (types !== undefined && !types.includes('refresh_token'))
      step.find('refresh.not-offered', {
        what: `"grant_types_supported" is ${step.redact(types.join(', '), 160)}.`,
      });
    const grant = options.earlier?.grant;
    if (grant !== undefined && !canRefresh(grant, step.clock()))
      step.find('refresh.none-came', { what: 'The stored sign-in cannot be renewed without its person.' });
    else if (grant !== undefined) step.fact('the stored sign-in has a refresh token');
    await askWithMadeUp(step, discovery);
  },
});

async function askWithMadeUp(step: Step<FindingId>, { server, legacyEndpoints }: Discovery): Promise<void> {
  const { known, http } = step;
  const endpoint = server.token_endpoint;
  if (endpoint === undefined)
    return step.find('token-endpoint.missing', { what: 'The metadata names none.' });
  let response: Response;
  try {
    response = await http.fetch(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
        [purposeHeader]: 'a refresh token that is made up',
      },
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: madeUp,
        client_id: known.client?.clientId ?? madeUp,
      }).toString(),
    });
  } catch (error) {
    if (step.signal.aborted || !isPosternError(error)) throw error;
    return step.find('token-endpoint.failing', { what: whatOf(error) });
  }
  const { status } = response;
  const where = describeUrl(endpoint);
  const type = response.headers.get('content-type') ?? '';
  const { object } = await readJsonBody(response);
  if (status === 404 || status === 405 || status === 410) {
    if (object?.['error'] === undefined)
      return step.find('token-endpoint.missing', {
        what: `${where} is answered with status ${status}${legacyEndpoints ? '; it was guessed' : ''}.`,
      });
  }
  if (status >= 500)
    return step.find('token-endpoint.failing', { what: `${where} answers a refusal with status ${status}.` });
  if (object === undefined) {
    return step.find('token-errors.not-json', {
      what: `${where} answers status ${status} with ${type === '' ? 'no type' : step.redact(type, 60)}.`,
      meanwhile: 'Nothing: what is form-encoded is read, too.',
    });
  }
  if (typeof object['access_token'] === 'string' && object['access_token'] !== '')
    return step.find('token-endpoint.not-compared', {
      what: `${where} answered with a token, which was dropped.`,
    });
  judgeError(step, where, status, object);
}

function judgeError(
  step: Step<FindingId>,
  where: string,
  status: number,
  object: Record<string, unknown>,
): void {
  const { profile, provider } = step.known;
  const isKnown = provider !== undefined && isErrorAnswer(object, profile);
  const meanwhile = isKnown
    ? `Nothing: ${provider} is known to do so, and its errors are read as what they mean.`
    : undefined;
  const meant = registeredError(meantError(object, profile));
  if (status < 400) {
    step.find('token-errors.status-200', { what: `${where} refuses with status ${status}.`, meanwhile });
  }
  if (registeredError(object['error']) === undefined) {
    const own = typeof object['error'] === 'string' ? object['error'] : object['error_code'];
    step.find('token-errors.unregistered', {
      what: `${where} refuses with ${typeof own === 'string' && /^[\w.-]{1,60}$/u.test(own) ? JSON.stringify(step.redact(own, 60)) : nameError(own)}${
        meant === undefined ? '' : `, which means ${meant}`
      }.`,
      meanwhile:
        meanwhile ??
        (meant === undefined
          ? 'Say what its error stands for, if it says that a grant has ended.'
          : 'Nothing: it is known what it means.'),
      ...(meant === undefined &&
        typeof own === 'string' &&
        /^[\w.-]{1,60}$/u.test(own) && {
          configure: { auth: { type: 'oauth', profile: { errorAliases: { [own]: 'invalid_grant' } } } },
        }),
    });
  } else
    step.fact(
      `a refresh token that is made up is refused with ${nameError(object['error'])} (status ${status})`,
    );
}
