import { isPosternError } from '../../core/postern-error.ts';
import { describeUrl, quoteIssuer } from '../../oauth/describe-url.ts';
import type { ClientIdentity } from '../../oauth/client-identity.ts';
import type { Discovery } from '../../oauth/discovery.ts';
import { isOrganisationRefusal } from '../../oauth/organisation-refusals.ts';
import { checkRedirectUri } from '../../oauth/profiles/redirect-fit.ts';
import type { AuthorizeOutcome } from '../authorize-outcome.ts';
import { probeAuthorize } from '../authorize-probe.ts';
import { defineCheck, type Check } from '../check.ts';
import { whyNoIssuer } from '../known.ts';
import { mcp, rfc } from '../specification.ts';
import type { Step } from '../step.ts';
import { whatOf } from './resource-metadata.ts';

type FindingId =
  | 'redirect-uri.misfit'
  | 'redirect-uri.refused'
  | 'redirect-uri.registered-then-refused'
  | 'redirect-uri.undecided'
  | 'redirect-uri.not-compared'
  | 'authorize.failing'
  | 'authorize.request-refused'
  | 'client.forgotten'
  | 'client.unknown'
  | 'client-document.not-read'
  | 'organisation.refuses'
  | 'consent-prompt.refused'
  | 'iss.missing'
  | 'iss.wrong';

/** Nobody can have registered it: the name never exists. */
const foreignUri = 'https://postern-doctor.invalid/callback';

export const redirectUri: Check = defineCheck<FindingId>({
  id: 'redirect-uri',
  title: 'The way out and back (authorization endpoint)',
  asks: 'The authorization request that a sign-in would send, as a browser would in which nobody is logged in; and where that is let through, the same with a redirect URI that nobody can have registered. No redirect is followed, and a code that comes is dropped. It needs a client: a configured one, a metadata document, an earlier one, or `--register`.',
  judges: 'The request leads on to a login, or comes back to our redirect URI; the other one does not.',
  specification: [rfc(6749, '4.1.2.1'), rfc(9700, '2.1'), rfc(9207, '2.4')],
  findings: {
    'redirect-uri.misfit': {
      severity: 'problem',
      fixedBy: 'person',
      meaning: 'The redirect URI is none that this provider takes, or that the client is registered with.',
      fix: 'Register that redirect URI there, or give this program one that is registered.',
      specification: rfc(9700, '2.1'),
    },
    'redirect-uri.refused': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning:
        'The authorization endpoint refuses the request without sending the browser back: it does not accept the redirect URI, or does not know the client.',
      fix: 'Allow the redirect URI for this client.',
      specification: rfc(6749, '4.1.2.1'),
    },
    'redirect-uri.registered-then-refused': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning: 'The redirect URI was registered a moment ago, and is refused when it is used.',
      fix: 'Refuse it at registration, or accept it.',
      specification: rfc(7591, '3.2.1'),
    },
    'redirect-uri.undecided': {
      severity: 'note',
      fixedBy: 'postern',
      meaning:
        'A redirect URI that nobody can have registered gets the same answer: whether ours is accepted shows only after a login.',
      fix: 'Nothing: try a sign-in.',
    },
    'redirect-uri.not-compared': {
      severity: 'warning',
      fixedBy: 'issuer',
      meaning:
        'A browser is sent to a redirect URI that was never registered: whoever makes up a link gets what comes back.',
      fix: 'Compare redirect URIs with those that are registered, before anything is sent to one.',
      specification: rfc(9700, '2.1'),
    },
    'authorize.failing': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning: 'The authorization endpoint fails (5xx), does not answer, or is not there.',
      fix: 'Look into that server’s log. The repair is seen at the next try.',
      specification: rfc(6749, '4.1.2.1'),
    },
    'authorize.request-refused': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning:
        'The request comes back with an error that is about none of the parts that are looked into by themselves.',
      fix: 'Look into that server’s log for what it refuses.',
      specification: rfc(6749, '4.1.2.1'),
    },
    'client.forgotten': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning: 'The authorization server does not know the client any more that registered itself there.',
      fix: 'Keep registrations as long as what was granted to them.',
      specification: rfc(7591, '3.2.1'),
    },
    'client.unknown': {
      severity: 'problem',
      fixedBy: 'person',
      meaning: 'The authorization server refuses the configured client.',
      fix: 'Compare the client id with what is registered there.',
      specification: rfc(6749, '4.1.2.1'),
    },
    'client-document.not-read': {
      severity: 'problem',
      fixedBy: 'organisation',
      meaning:
        'The authorization server refuses the client metadata document, most often because it cannot fetch it.',
      fix: 'Serve the document where that server can fetch it, without a login, with this redirect URI in it.',
      specification: mcp('Client Registration', 'Client ID Metadata Documents'),
    },
    'organisation.refuses': {
      severity: 'problem',
      fixedBy: 'organisation',
      meaning: 'It is an organisation’s policy that refuses, and no person.',
      fix: 'The administrator of the organisation has to allow this application, or the person in it.',
    },
    'consent-prompt.refused': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning: 'To ask for a consent (prompt=consent), which goes along with offline_access, is refused.',
      fix: 'Let a client ask for a consent where it asks for offline access.',
      specification: rfc(6749, '4.1.2.1'),
    },
    'iss.missing': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning:
        'The answer does not name its issuer, although the metadata says that it does: a sign-in ends there.',
      fix: 'Send "iss" with every authorization response, errors too.',
      specification: rfc(9207, '2.4'),
    },
    'iss.wrong': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning: 'The answer names another issuer than the metadata: a sign-in ends there.',
      fix: 'Send the "issuer" of the metadata as "iss", letter for letter.',
      specification: rfc(9207, '2.4'),
    },
  },
  async run(step) {
    const { known, options } = step;
    const { discovery, profile, client } = known;
    if (discovery === undefined) return step.skip(whyNoIssuer(step.known));
    step.fact(`the redirect URI is ${step.redirectUri}`);
    try {
      checkRedirectUri(step.redirectUri, discovery.issuer, profile, options.client?.redirectUris);
    } catch (error) {
      if (!isPosternError(error)) throw error;
      return step.find('redirect-uri.misfit', { what: whatOf(error), fix: error.hint });
    }
    if (discovery.server.authorization_endpoint === undefined)
      return step.skip('there is no authorization endpoint');
    if (client === undefined) {
      return step.skip(
        'there is no client to ask as: --register makes one, --client-id names one that was registered by hand',
      );
    }
    await probe(step, { discovery, client });
  },
});

interface At {
  readonly discovery: Discovery;
  readonly client: ClientIdentity;
}

async function probe(step: Step<FindingId>, at: At): Promise<void> {
  let outcome: AuthorizeOutcome;
  try {
    outcome = await probeAuthorize(step, at, { purpose: 'as a sign-in would' });
  } catch (error) {
    if (step.signal.aborted || !isPosternError(error)) throw error;
    return step.find('authorize.failing', { what: whatOf(error) });
  }
  step.known.authorize = outcome;
  step.fact(describeOutcome(outcome));
  judgeIss(step, at.discovery, outcome);
  switch (outcome.kind) {
    case 'approved':
    case 'onward':
    case 'page':
      return compareForeign(step, at, outcome);
    case 'failing':
      return step.find('authorize.failing', {
        what: `The authorization endpoint answers status ${outcome.status}.`,
      });
    case 'refused':
      return tellRefused(step, at, outcome);
    case 'error':
      return tellError(step, at, outcome);
  }
}

function tellRefused(
  step: Step<FindingId>,
  { client, discovery }: At,
  { status, answer }: Extract<AuthorizeOutcome, { kind: 'refused' | 'failing' }>,
): void {
  const where = describeUrl(discovery.server.authorization_endpoint ?? discovery.issuer);
  const said = typeof answer['error'] === 'string' ? `, ${step.redact(answer['error'], 60)}` : '';
  const what = `${where} answers status ${status}${said}, and sends nobody back.`;
  if (status === 404 || status === 410) return step.find('authorize.failing', { what });
  if (step.known.isFresh === true)
    return step.find('redirect-uri.registered-then-refused', {
      what,
      fix: step.known.profile.hints?.redirectUri,
    });
  tellClient(step, client, what, 'redirect-uri.refused');
}

function tellClient(
  step: Step<FindingId>,
  client: ClientIdentity,
  what: string,
  byHand: 'redirect-uri.refused' | 'client.unknown',
): void {
  switch (client.source) {
    case 'dynamic':
      return step.find('client.forgotten', {
        what,
        meanwhile: 'Sign in anew (postern login): the program registers again, and its next link leads in.',
      });
    case 'metadata-document':
      return step.find('client-document.not-read', {
        what,
        meanwhile:
          'Where the document cannot be reached from there, say so: the client registers itself in its place.',
        configure: { auth: { type: 'oauth', clientMetadataIsPrivate: true } },
      });
    case 'preregistered':
      return step.find(byHand, {
        what,
        fix: `Compare the client id with what is registered there; its redirect URI has to be ${step.redirectUri}`,
        fixedBy: 'person',
      });
  }
}

async function tellError(
  step: Step<FindingId>,
  at: At,
  { error, answer }: Extract<AuthorizeOutcome, { kind: 'error' }>,
): Promise<void> {
  const { profile } = step.known;
  const what = `The request comes back with ${error ?? 'an error of its own'}.`;
  switch (error) {
    case 'unauthorized_client':
    case 'invalid_client':
      return tellClient(step, at.client, what, 'client.unknown');
    // These have steps of their own.
    case 'invalid_scope':
    case 'invalid_target':
      return;
    case 'login_required':
    case 'interaction_required':
    case 'account_selection_required':
      return;
    default:
  }
  const without = await withoutPrompt(step, at);
  if (
    without !== undefined &&
    without.kind !== 'error' &&
    without.kind !== 'refused' &&
    without.kind !== 'failing'
  ) {
    step.known.authorize = without;
    return step.find('consent-prompt.refused', {
      what: `${what} Without "prompt" it leads on.`,
      meanwhile: 'Leave it out.',
      configure: { auth: { type: 'oauth', authorizeParams: { prompt: '' } } },
    });
  }
  if (isOrganisationRefusal(answer, profile)) return step.find('organisation.refuses', { what });
  step.find('authorize.request-refused', { what });
}

async function withoutPrompt(step: Step<FindingId>, at: At): Promise<AuthorizeOutcome | undefined> {
  return probeAuthorize(step, at, { purpose: 'without prompt', extraAuthorizeParams: { prompt: '' } }).catch(
    () => undefined,
  );
}

/** Whether the answer says anything of the redirect URI: one that cannot be registered must be treated otherwise. */
async function compareForeign(step: Step<FindingId>, at: At, own: AuthorizeOutcome): Promise<void> {
  const foreign = await probeAuthorize(step, at, {
    purpose: 'with a redirect URI that nobody registered',
    redirectUri: foreignUri,
    profile: { redirectUris: [foreignUri] },
  }).catch(() => undefined);
  if (foreign === undefined) return;
  if (foreign.kind === 'approved' || foreign.kind === 'error') {
    return step.find('redirect-uri.not-compared', {
      what: `The authorization endpoint sends the browser ${foreign.kind === 'approved' ? 'with a code' : 'with an error'} to a redirect URI that nobody registered.`,
    });
  }
  if (own.kind === 'approved') return step.fact('a code came at once, without a login; it was dropped');
  if (foreign.kind === own.kind && foreign.status === own.status) {
    // By OpenID, who asks for no page is sent back at once, where redirect URI and client are good.
    const silent = await probeAuthorize(step, at, {
      purpose: 'without any page',
      extraAuthorizeParams: { prompt: 'none' },
    }).catch(() => undefined);
    if (silent?.kind === 'error') return step.fact('our redirect URI is accepted: an error is sent to it');
    return step.find('redirect-uri.undecided', { what: `Both are answered alike (status ${own.status}).` });
  }
  step.fact('our redirect URI is accepted: one that nobody registered is not');
}

function judgeIss(step: Step<FindingId>, { server, issuer }: Discovery, outcome: AuthorizeOutcome): void {
  if (outcome.kind !== 'approved' && outcome.kind !== 'error') return;
  const { iss } = outcome;
  const allowed = [server.issuer, ...(step.known.profile.statedIssuers ?? [])];
  if (iss === undefined) {
    if (server.authorization_response_iss_parameter_supported === true)
      step.find('iss.missing', { what: `${quoteIssuer(issuer)} answers without "iss".` });
  } else if (!allowed.includes(iss)) {
    step.find('iss.wrong', {
      what: `The answer names ${quoteIssuer(iss)}, and the metadata ${quoteIssuer(server.issuer)}.`,
    });
  }
}

function describeOutcome(outcome: AuthorizeOutcome): string {
  switch (outcome.kind) {
    case 'onward':
      return `it leads on (status ${outcome.status}), as to a login`;
    case 'page':
      return `it answers with a page (status ${outcome.status})`;
    case 'approved':
      return 'it comes back with a code at once';
    case 'error':
      return `it comes back with ${outcome.error ?? 'an error of its own'}: client and redirect URI are accepted`;
    case 'refused':
    case 'failing':
      return `it answers by itself with status ${outcome.status}`;
  }
}
