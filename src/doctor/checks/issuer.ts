import type { PosternErrorCode } from '../../core/error-codes.ts';
import { isPosternError, type PosternError } from '../../core/postern-error.ts';
import { allowIssuerMismatch } from '../../oauth/allowed.ts';
import { describeUrl, quoteIssuer } from '../../oauth/describe-url.ts';
import { discoverFrom, type Discovery, type DiscoveryLook } from '../../oauth/discovery.ts';
import type { OAuthHttp } from '../../oauth/oauth-http.ts';
import { isSameIssuer } from '../../oauth/same-issuer.ts';
import { serverWordOf } from '../../oauth/server-word.ts';
import { allowPrivateNetwork, checkUrl } from '../../oauth/url-policy.ts';
import { defineCheck, type Check } from '../check.ts';
import { profileFor, providerFor } from '../profile-for.ts';
import { mcp, rfc } from '../specification.ts';
import type { Step } from '../step.ts';
import { describeLook, whatOf } from './resource-metadata.ts';

type FindingId =
  | 'issuer.mismatch'
  | 'issuer.slash'
  | 'issuer.stated-otherwise'
  | 'issuer.not-found'
  | 'issuer.invalid'
  | 'issuer.unreachable'
  | 'issuer.private-network'
  | 'issuer.url-forbidden'
  | 'issuer.guessed'
  | 'issuer.openid-only'
  | 'issuer.other-hosts'
  | 'issuer.several'
  | 'issuer.silent-about-itself'
  | 'issuer.nobody-redirects'
  | 'issuer.recognised';

/** More authorization servers are not looked at. */
const maxIssuers = 5;

const byCode: Partial<Record<PosternErrorCode, FindingId>> = {
  ERR_POSTERN_OAUTH_METADATA_INVALID: 'issuer.invalid',
  ERR_POSTERN_OAUTH_UNREACHABLE: 'issuer.unreachable',
  ERR_POSTERN_OAUTH_URL_FORBIDDEN: 'issuer.url-forbidden',
};

export const issuer: Check = defineCheck<FindingId>({
  id: 'issuer',
  title: 'The authorization server',
  asks: 'A GET of each place where the metadata of each issuer may be (RFC 8414, then OpenID), up to the first that has it.',
  judges:
    'The document names the very issuer that the server names, and endpoints that may be used. Which provider it is, is told by its hosts.',
  specification: [
    rfc(8414, '3.1'),
    rfc(8414, '3.3'),
    mcp('Authorization Server Discovery', 'Authorization Server Metadata Discovery'),
  ],
  findings: {
    'issuer.mismatch': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning:
        'The metadata names another issuer than the server does: somebody may have put one server in the place of another.',
      fix: 'Let the metadata and the server name the same issuer, letter for letter.',
      specification: rfc(8414, '3.3'),
    },
    'issuer.slash': {
      severity: 'note',
      fixedBy: 'server',
      meaning:
        'The two names of the issuer differ by one slash. They count as one here; strict clients refuse it.',
      fix: 'Name the issuer as its metadata does.',
      specification: rfc(8414, '3.3'),
    },
    'issuer.stated-otherwise': {
      severity: 'note',
      fixedBy: 'issuer',
      meaning:
        'The metadata names another issuer, by which this provider is known to go, or which is allowed.',
      fix: 'Let the metadata and the server name the same issuer.',
      specification: rfc(8414, '3.3'),
    },
    'issuer.not-found': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning: 'None of the places has the metadata of the issuer.',
      fix: 'Publish it at the place that RFC 8414 names for this issuer.',
      specification: rfc(8414, '3.1'),
    },
    'issuer.invalid': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning: 'The metadata cannot be read, or lacks an endpoint that is needed.',
      fix: 'Serve a JSON object with "issuer", "authorization_endpoint" and "token_endpoint".',
      specification: rfc(8414, '2'),
    },
    'issuer.unreachable': {
      severity: 'problem',
      fixedBy: 'network',
      meaning: 'The authorization server does not answer from here.',
      fix: 'Find out whether it is up, and whether this machine may reach it.',
    },
    'issuer.private-network': {
      severity: 'problem',
      fixedBy: 'server',
      meaning:
        'A public server leads into a private network, which is not followed: it may be an attack on what is in there.',
      fix: 'Name addresses that everybody can reach who can reach the server.',
      specification: mcp('Security Considerations', 'Server-Side Request Forgery'),
    },
    'issuer.url-forbidden': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning:
        'The issuer or one of its endpoints is at an address that is never followed: not https, or reserved.',
      fix: 'Serve all endpoints over https.',
      specification: mcp('Authorization', 'Communication Security'),
    },
    'issuer.guessed': {
      severity: 'warning',
      fixedBy: 'server',
      meaning:
        'There is no metadata at all: /authorize, /token and /register of the server are guessed, as in revision 2025-03-26.',
      fix: 'Publish the metadata of the resource and of the authorization server.',
      specification: mcp('Authorization Server Discovery', 'Authorization Server Metadata Discovery'),
    },
    'issuer.openid-only': {
      severity: 'note',
      fixedBy: 'issuer',
      meaning: 'Only the OpenID place has metadata. Clients that know RFC 8414 alone do not find it.',
      fix: 'Publish the same document at the place of RFC 8414, too.',
      specification: rfc(8414, '5'),
    },
    'issuer.other-hosts': {
      severity: 'note',
      fixedBy: 'issuer',
      meaning:
        'Endpoints are at other hosts than the issuer: a firewall or an allowlist has to know them all.',
      fix: 'Nothing, where that is meant.',
    },
    'issuer.several': {
      severity: 'note',
      fixedBy: 'server',
      meaning: 'The server names several authorization servers. The first that works is used.',
      fix: 'Nothing, where each of them does.',
      specification: rfc(9728, '7.6'),
    },
    'issuer.silent-about-itself': {
      severity: 'note',
      fixedBy: 'issuer',
      meaning:
        'The issuer does not say that its answers name it ("iss"), which is what tells one authorization server’s answer from another’s.',
      fix: 'Send "iss" with every authorization response, and say so in "authorization_response_iss_parameter_supported".',
      specification: rfc(9207, '3'),
    },
    'issuer.nobody-redirects': {
      severity: 'warning',
      fixedBy: 'issuer',
      meaning: 'There is no authorization endpoint: people can only enter a code on another device.',
      fix: 'Offer the authorization code flow.',
      specification: rfc(8414, '2'),
    },
    'issuer.recognised': {
      severity: 'note',
      fixedBy: 'postern',
      meaning: 'The provider is known, and how it differs from the standard: docs/providers.md.',
      fix: 'Nothing: it is taken into account.',
    },
  },
  async run(step) {
    const { known } = step;
    const isNeeded = known.refusal !== undefined || known.issuers !== undefined;
    if (known.isLookedUp !== true || !isNeeded) {
      return step.skip(
        known.isOpen === true ? 'no sign-in is asked for' : 'it is not known which one it would be',
      );
    }
    const discovery = await discoverAnyway(step);
    if (discovery === undefined) return;
    known.discovery = discovery;
    known.profile = profileFor(step, discovery);
    judgeNames(step, discovery);
    judgeServer(step, discovery);
  },
});

/** As a sign-in would; and where it would be refused for the issuer's name alone, once more without asking for that. */
async function discoverAnyway(step: Step<FindingId>): Promise<Discovery | undefined> {
  const { known, options } = step;
  let forbidden: string | URL | undefined;
  const noteForbidden = (url: string | URL): void => void (forbidden = url);
  try {
    return await look(step, options.auth?.allowIssuerMismatch ?? [], noteForbidden);
  } catch (error) {
    if (step.signal.aborted || !isPosternError(error)) throw error;
    known.discoveryError = error;
    if (error.code !== 'ERR_POSTERN_OAUTH_ISSUER_MISMATCH') {
      tellFailure(step, error, forbidden !== undefined && leadsInside(forbidden));
      return undefined;
    }
    const named = known.issuers ?? [step.url.origin];
    step.find('issuer.mismatch', {
      what: whatOf(error),
      meanwhile: 'Whoever trusts that authorization server all the same allows it by name.',
      configure: { auth: { type: 'oauth', allowIssuerMismatch: [...named].slice(0, 1) } },
    });
    return await look(step, named).catch(() => undefined);
  }
}

/** Whether an address is refused for nothing but being in a private network. */
function leadsInside(url: string | URL): boolean {
  try {
    checkUrl(url, { [allowPrivateNetwork]: true });
    return true;
  } catch {
    return false;
  }
}

async function look(
  step: Step<FindingId>,
  allowed: readonly string[],
  onForbidden: (url: string | URL) => void = () => {},
): Promise<Discovery> {
  const { known, url } = step;
  const looks: DiscoveryLook[] = [];
  const http: OAuthHttp = {
    ...step.http,
    checkUrl(each) {
      try {
        return step.http.checkUrl(each);
      } catch (error) {
        onForbidden(each);
        throw error;
      }
    },
  };
  try {
    return await discoverFrom(known.resourceMetadata, url, known.challenge, http, {
      selectIssuer: (issuers) => issuers.slice(0, maxIssuers),
      statedIssuers: (name) => profileFor(step, { issuer: name }).statedIssuers ?? [],
      onLook: (each) => looks.push(each),
      [allowIssuerMismatch]: allowed,
    });
  } finally {
    known.looks = looks;
    for (const each of looks) step.fact(describeLook(each));
  }
}

function tellFailure(step: Step<FindingId>, error: PosternError, isPrivate: boolean): void {
  const { said } = serverWordOf(error);
  const what = `${whatOf(error)}${said === undefined ? '' : ` It says: “${said}”.`}`;
  if (isPrivate) {
    return step.find('issuer.private-network', {
      what,
      meanwhile: 'Where that is right, allow it for this server.',
      configure: { auth: { type: 'oauth', allowPrivateNetwork: true } },
    });
  }
  step.find(byCode[error.code] ?? 'issuer.not-found', { what });
}

function judgeNames(step: Step<FindingId>, { issuer: name, server, legacyEndpoints }: Discovery): void {
  const { known } = step;
  const named = (known.issuers ?? []).find((each) => isSameIssuer(each, name)) ?? name;
  if (legacyEndpoints) {
    return step.find('issuer.guessed', {
      what: `Neither the server nor ${step.url.origin} publishes any metadata.`,
    });
  }
  if (named !== server.issuer && isSameIssuer(named, server.issuer)) {
    step.find('issuer.slash', {
      what: `The server names ${quoteIssuer(named)}, and the metadata ${quoteIssuer(server.issuer)}.`,
      meanwhile: 'Nothing: the two are taken for one.',
    });
  } else if (!isSameIssuer(named, server.issuer) && known.discoveryError === undefined) {
    step.find('issuer.stated-otherwise', {
      what: `The server names ${quoteIssuer(named)}, and the metadata ${quoteIssuer(server.issuer)}.`,
      meanwhile: 'Nothing: it is allowed, by what is known of this provider or by the configuration.',
    });
  }
  if ((known.issuers?.length ?? 0) > 1) {
    step.find('issuer.several', {
      what: `The server names ${known.issuers?.length} authorization servers; ${quoteIssuer(named)} is the first that works.`,
    });
  }
  const from = known.looks.find(({ outcome }) => outcome === 'found')?.url;
  if (from?.pathname.includes('openid-configuration') === true)
    step.find('issuer.openid-only', { what: `The metadata was found at ${describeUrl(from)} only.` });
}

function judgeServer(step: Step<FindingId>, discovery: Discovery): void {
  const { issuer: name, server, legacyEndpoints } = discovery;
  const { authorization_endpoint: authorize, token_endpoint: token } = server;
  step.fact(`authorization endpoint ${authorize === undefined ? 'none' : describeUrl(authorize)}`);
  step.fact(`token endpoint ${token === undefined ? 'none' : describeUrl(token)}`);
  const hosts = [authorize, token, server.registration_endpoint, server.revocation_endpoint]
    .filter((url) => url !== undefined)
    .map((url) => new URL(url).host);
  const others = [...new Set(hosts)].filter((host) => host !== new URL(name).host);
  if (others.length > 0) step.find('issuer.other-hosts', { what: `Endpoints are at ${others.join(', ')}.` });
  if (authorize === undefined)
    step.find('issuer.nobody-redirects', { what: 'The metadata has no "authorization_endpoint".' });
  if (!legacyEndpoints && server.authorization_response_iss_parameter_supported !== true)
    step.find('issuer.silent-about-itself', {
      what: '"authorization_response_iss_parameter_supported" is not true.',
    });
  if (discovery.dpopRequired || step.known.profile.dpop === 'always')
    step.fact('tokens are bound to a key (DPoP)');
  if (server.require_pushed_authorization_requests === true)
    step.fact('authorization requests have to be pushed (PAR)');
  const provider = providerFor(step, { issuer: name, server });
  if (provider === undefined) return;
  step.known.provider = provider.name;
  step.find('issuer.recognised', { what: `This is ${provider.name}. ${provider.met.join(' ')}` });
}
