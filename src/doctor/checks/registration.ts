import { isPosternError, type PosternError } from '../../core/postern-error.ts';
import { describeUrl, quoteIssuer } from '../../oauth/describe-url.ts';
import type { Discovery } from '../../oauth/discovery.ts';
import { identifyClient, type IdentifyClientOptions } from '../../oauth/registration.ts';
import { initialScopes } from '../../oauth/scopes.ts';
import { serverWordOf } from '../../oauth/server-word.ts';
import { defineCheck, type Check } from '../check.ts';
import { findDocumentProblem } from '../client-document.ts';
import { whyNoIssuer } from '../known.ts';
import { networkFailureOf } from '../network-failure.ts';
import { purposeHeader } from '../recording.ts';
import { keepReplies, type RegistrationReply } from '../registered-client.ts';
import { mcp, rfc } from '../specification.ts';
import type { Advice } from '../report.ts';
import type { Detail, Step } from '../step.ts';
import { whatOf } from './resource-metadata.ts';

type FindingId =
  | 'registration.closed'
  | 'registration.advertised-but-closed'
  | 'registration.wants-token'
  | 'registration.endpoint-missing'
  | 'registration.endpoint-failing'
  | 'registration.rejected'
  | 'registration.redirect-uri-refused'
  | 'registration.scope-refused'
  | 'registration.other-redirect-uris'
  | 'client.other-issuer'
  | 'client.secret-required'
  | 'client-document.not-supported'
  | 'client-document.invalid';

export const registration: Check = defineCheck<FindingId>({
  id: 'registration',
  title: 'Who we are to it (registration)',
  asks: 'Whether a client id is configured, a client metadata document would be read, or clients may register. A metadata document is fetched as an authorization server would. The registration endpoint is sent a body that is no JSON, which registers nobody; with `--register`, a real registration.',
  judges:
    'There is a way to be known: by hand, else by a metadata document, else by registering. The first of these that is open would be used.',
  specification: [mcp('Client Registration', 'Client Registration Approaches'), rfc(7591, '3')],
  findings: {
    'registration.closed': {
      severity: 'problem',
      fixedBy: 'person',
      meaning: 'Nobody registers by themselves there: a client has to be registered by hand.',
      fix: 'Register a client there by hand, and configure its id.',
      specification: mcp('Client Registration', 'Preregistration'),
    },
    'registration.advertised-but-closed': {
      severity: 'note',
      fixedBy: 'issuer',
      meaning:
        'The metadata names a registration endpoint that is known to be open to nobody without a token of the organisation.',
      fix: 'Leave "registration_endpoint" out of the metadata.',
      specification: rfc(7591, '3'),
    },
    'registration.wants-token': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning: 'Registering needs an initial access token, which a client cannot have.',
      fix: 'Open the registration, or register a client by hand for whoever asks.',
      specification: rfc(7591, '3'),
    },
    'registration.endpoint-missing': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning: 'The metadata names a registration endpoint, and there is none.',
      fix: 'Mend the address, or leave "registration_endpoint" out. The repair is seen at the next try.',
      specification: rfc(7591, '3.1'),
    },
    'registration.endpoint-failing': {
      severity: 'warning',
      fixedBy: 'issuer',
      meaning: 'The registration endpoint fails (5xx), or does not answer.',
      fix: 'Look into that server’s log.',
      specification: rfc(7591, '3.2.2'),
    },
    'registration.rejected': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning:
        'A registration is refused: for the client’s name, the host it comes from, or whatever the issuer’s policy is.',
      fix: 'Allow this client, or register one by hand for whoever asks.',
      specification: rfc(7591, '3.2.2'),
    },
    'registration.redirect-uri-refused': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning: 'A registration is refused for its redirect URI.',
      fix: 'Add the redirect URI to what is allowed.',
      specification: rfc(7591, '3.2.2'),
    },
    'registration.scope-refused': {
      severity: 'warning',
      fixedBy: 'issuer',
      meaning:
        'A registration with scopes is refused, and without them accepted: one of those that the server names is not known there.',
      fix: 'Let the authorization server know every scope that the server names.',
      specification: rfc(7591, '2'),
    },
    'registration.other-redirect-uris': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning:
        'The client is registered with other redirect URIs than it asked for, or the reply is of no use.',
      fix: 'Register what was asked for, or refuse it.',
      specification: rfc(7591, '3.2.1'),
    },
    'client.other-issuer': {
      severity: 'problem',
      fixedBy: 'person',
      meaning: 'The configured client belongs to another issuer than the server names.',
      fix: 'If the server has moved, register a client at the new issuer, and configure that.',
      specification: mcp('Client Registration', 'Client Registration Approaches'),
    },
    'client.secret-required': {
      severity: 'warning',
      fixedBy: 'person',
      meaning: 'Clients have a secret there, in spite of PKCE.',
      fix: 'Configure the secret of the client that is registered by hand.',
      specification: rfc(8252, '8.4'),
    },
    'client-document.invalid': {
      severity: 'problem',
      fixedBy: 'person',
      meaning: 'The client metadata document cannot be fetched, or does not describe this client.',
      fix: 'Serve it over https without a login, with its own address as "client_id", a "client_name", and every redirect URI.',
      specification: mcp('Client Registration', 'Client ID Metadata Documents'),
    },
    'client-document.not-supported': {
      severity: 'note',
      fixedBy: 'issuer',
      meaning:
        'Client metadata documents are not read; each program registers anew, which the specification has deprecated.',
      fix: 'Read client metadata documents, and say so in "client_id_metadata_document_supported".',
      specification: mcp('Client Registration', 'Client ID Metadata Documents'),
    },
  },
  async run(step) {
    const { known, options } = step;
    const { discovery, profile } = known;
    if (discovery === undefined) return step.skip(whyNoIssuer(step.known));
    known.scopes = initialScopes({ discovery, configured: options.auth?.scopes, profile });
    tellWays(step, discovery);
    const client = await knownClient(step, discovery);
    if (client === 'failed') return;
    known.client = client;
    if (client !== undefined) {
      step.fact(
        `would be used: ${{ preregistered: 'the configured client', 'metadata-document': 'the client metadata document', dynamic: 'the client that was registered before' }[client.source]}`,
      );
      if (client.source === 'metadata-document') await lookAtDocument(step, client.clientId);
      if (options.register !== true || client.source === 'preregistered') return;
    }
    await askRegistration(step, discovery);
  },
});

async function lookAtDocument(step: Step<FindingId>, url: string): Promise<void> {
  const problem = await findDocumentProblem(url, step.redirectUri, step.http);
  if (problem !== undefined) step.find('client-document.invalid', { what: `${problem}.` });
}

function tellWays(step: Step<FindingId>, { server }: Discovery): void {
  const { profile } = step.known;
  const isOpen = server.registration_endpoint !== undefined && profile.registration !== 'closed';
  const ways = [
    ...(step.options.client === undefined ? [] : ['by hand']),
    ...(server.client_id_metadata_document_supported === true ? ['by a metadata document'] : []),
    ...(isOpen ? ['by registering'] : []),
  ];
  step.fact(`ways to be known: ${ways.length === 0 ? 'none but by hand' : ways.join(', ')}`);
  const { client } = step.options;
  if (!wantsSecret(step) || client?.clientSecret !== undefined || client?.privateKeyJwk !== undefined) return;
  const methods = server.token_endpoint_auth_methods_supported;
  step.find('client.secret-required', {
    what:
      profile.clientSecret === 'required'
        ? `${step.known.provider ?? 'This issuer'} wants the secret of its clients.`
        : `The ways for a client to prove itself are ${step.redact(methods?.join(', ') ?? '', 120)}; none without a secret or a key.`,
    configure: clientByHand(step),
  });
}

/** Whether a client that is registered by hand needs a secret there. */
function wantsSecret({ known }: Pick<Step, 'known'>): boolean {
  const { profile, discovery } = known;
  if (profile.clientSecret === 'required') return true;
  const { registration_endpoint: endpoint, token_endpoint_auth_methods_supported: methods } =
    discovery?.server ?? {};
  const isOpen = endpoint !== undefined && profile.registration !== 'closed';
  return !isOpen && methods !== undefined && !methods.includes('none');
}

/** How a client that was registered by hand is configured. */
function clientByHand(step: Pick<Step, 'known'>): Advice {
  const secret = wantsSecret(step) ? { clientSecret: { env: 'CLIENT_SECRET' } } : {};
  return { auth: { type: 'oauth', client: { clientId: 'your-client-id', ...secret } } };
}

function optionsFor(step: Step, discovery: Discovery): IdentifyClientOptions {
  const { options, redirectUri, known } = step;
  return {
    discovery,
    redirectUri,
    metadata: { clientName: 'Postern doctor' },
    preregistered: options.client,
    clientMetadataUrl: options.auth?.clientMetadataIsPrivate === true ? undefined : options.clientMetadataUrl,
    stored: options.earlier?.client ?? options.earlier?.grant?.client,
    scopes: known.scopes,
    profile: known.profile,
  };
}

/** Who we are without registering now. */
async function knownClient(step: Step<FindingId>, discovery: Discovery) {
  const options = optionsFor(step, discovery);
  const { registration_endpoint: _none, ...server } = discovery.server;
  try {
    // An earlier client counts as it is: what it was registered for is not asked again.
    return await identifyClient(
      { ...options, scopes: undefined, discovery: { ...discovery, server } },
      step.http,
    );
  } catch (error) {
    if (!isPosternError(error)) throw error;
    switch (error.code) {
      case 'ERR_POSTERN_OAUTH_REGISTRATION_REQUIRED':
        return undefined;
      case 'ERR_POSTERN_OAUTH_ISSUER_MISMATCH':
        step.find('client.other-issuer', { what: whatOf(error), fix: error.hint });
        return 'failed' as const;
      case 'ERR_POSTERN_CONFIG_MISCONFIGURED':
        // Its secret, which has been said, or its redirect URI, which is said in its own step.
        step.fact(`the configured client cannot be used as it is: ${error.message}`);
        return 'failed' as const;
      default:
        throw error;
    }
  }
}

async function askRegistration(step: Step<FindingId>, discovery: Discovery): Promise<void> {
  const { known, options } = step;
  const { server, issuer } = discovery;
  const { profile } = known;
  const endpoint = server.registration_endpoint;
  const configure = clientByHand(step);
  if (endpoint === undefined || profile.registration === 'closed') {
    if (endpoint !== undefined) {
      step.find('registration.advertised-but-closed', {
        what: `The metadata names ${describeUrl(endpoint)}, which ${known.provider ?? 'this issuer'} opens to nobody without a token.`,
      });
    }
    return step.find('registration.closed', {
      what:
        endpoint !== undefined || server.client_id_metadata_document_supported !== true
          ? `${quoteIssuer(issuer)} registers nobody by themselves${server.client_id_metadata_document_supported === true ? '' : ', and reads no client metadata documents'}.`
          : `${quoteIssuer(issuer)} registers nobody by themselves, and reads client metadata documents; none is configured.`,
      fix: `${profile.hints?.registration ?? 'Register a client there by hand, and configure its id.'} The redirect URI is ${step.redirectUri}`,
      ...(server.client_id_metadata_document_supported === true && {
        meanwhile:
          'Or serve a client metadata document, and name it (--client-metadata-url, clientMetadataUrl).',
      }),
      configure,
    });
  }
  if (server.client_id_metadata_document_supported !== true)
    step.find('client-document.not-supported', {
      what: '"client_id_metadata_document_supported" is not true.',
    });
  if (options.register === true) return registerNow(step, discovery, endpoint);
  await askHarmlessly(step, endpoint);
}

/** A body that no reader of JSON takes registers nobody; how it is refused says whether others would be heard. */
async function askHarmlessly(step: Step<FindingId>, endpoint: string): Promise<void> {
  const where = describeUrl(endpoint);
  const configure = clientByHand(step);
  let status: number;
  try {
    const response = await step.http.fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', [purposeHeader]: 'no JSON, which registers nobody' },
      body: '{',
    });
    ({ status } = response);
  } catch (error) {
    if (step.signal.aborted || !isPosternError(error)) throw error;
    // To break off at what is no JSON is clumsy, and says nothing of what is.
    if (networkFailureOf(error).kind === 'broken') return tellListens(step, where);
    return step.find('registration.endpoint-failing', { what: whatOf(error) });
  }
  if (status === 404 || status === 405 || status === 410)
    return step.find('registration.endpoint-missing', {
      what: `${where} is answered with status ${status}.`,
      configure,
    });
  if (status === 401 || status === 403) {
    return step.find(status === 401 ? 'registration.wants-token' : 'registration.rejected', {
      what: `${where} answers status ${status} before it looks at what is sent.`,
      ...knownFix(step),
      meanwhile: 'Configure a client that was registered by hand.',
      configure,
    });
  }
  tellListens(step, where);
}

/** What is known of a provider is said to whoever asks: it has heard it often enough. */
function knownFix({ known }: Pick<Step, 'known'>): Pick<Detail, 'fix' | 'fixedBy'> {
  const fix = known.profile.hints?.registration;
  return fix === undefined ? {} : { fix, fixedBy: 'person' };
}

function tellListens(step: Step<FindingId>, where: string): void {
  step.fact(
    `would be used: a registration at ${where.replaceAll('"', '')}, which listens; --register tries it`,
  );
}

async function registerNow(step: Step<FindingId>, discovery: Discovery, endpoint: string): Promise<void> {
  const { known } = step;
  const replies: RegistrationReply[] = [];
  const { stored: _stored, ...options } = optionsFor(step, discovery);
  try {
    known.client = await identifyClient(
      { ...options, clientMetadataUrl: undefined },
      keepReplies(step.http, endpoint, replies),
    );
    known.isFresh = true;
    known.registered = replies.at(-1)?.reply;
    step.fact('a client was registered for this examination');
    if (replies.length > 1) {
      step.find('registration.scope-refused', {
        what: `With the scopes ${step.redact(known.scopes?.join(' ') ?? '', 200)} it was refused (status ${replies[0]?.status}), and without any accepted.`,
        meanwhile: 'Nothing: it is tried once more without.',
      });
    }
  } catch (error) {
    if (step.signal.aborted || !isPosternError(error)) throw error;
    tellRefusal(step, error, replies.at(-1));
  }
}

function tellRefusal(step: Step<FindingId>, error: PosternError, last: RegistrationReply | undefined): void {
  const { said } = serverWordOf(error);
  const what = `${whatOf(error)}${said === undefined ? '' : ` It says: “${said}”.`}`;
  const configure = clientByHand(step);
  if (error.code !== 'ERR_POSTERN_OAUTH_REGISTRATION_REJECTED')
    return step.find('registration.endpoint-failing', { what, fix: error.hint });
  const { status = 0, reply = {} } = last ?? {};
  if (status === 404 || status === 405)
    return step.find('registration.endpoint-missing', { what, configure });
  if (status === 200 || status === 201) return step.find('registration.other-redirect-uris', { what });
  const isUri = reply['error'] === 'invalid_redirect_uri';
  step.find(isUri ? 'registration.redirect-uri-refused' : 'registration.rejected', {
    what,
    ...knownFix(step),
    meanwhile: isUri
      ? 'Give this program a redirect URI that is allowed there, or a client that was registered by hand.'
      : 'Configure a client that was registered by hand.',
    configure,
  });
}
