import { isPosternError, type PosternError } from '../../core/postern-error.ts';
import type { PosternErrorCode } from '../../core/error-codes.ts';
import { describeUrl, quoteIssuer } from '../../oauth/describe-url.ts';
import { discoverProtectedResource, type DiscoveryLook } from '../../oauth/discovery.ts';
import { isSameIssuer } from '../../oauth/same-issuer.ts';
import { defineCheck, type Check } from '../check.ts';
import { mcp, rfc } from '../specification.ts';

type FindingId =
  | 'resource-metadata.absent'
  | 'resource-metadata.other-resource'
  | 'resource-metadata.failing'
  | 'resource-metadata.invalid'
  | 'resource-metadata.url-forbidden'
  | 'resource-metadata.no-issuer'
  | 'resource-metadata.broader';

const byCode: Partial<Record<PosternErrorCode, FindingId>> = {
  ERR_POSTERN_OAUTH_RESOURCE_MISMATCH: 'resource-metadata.other-resource',
  ERR_POSTERN_OAUTH_METADATA_INVALID: 'resource-metadata.invalid',
  ERR_POSTERN_OAUTH_URL_FORBIDDEN: 'resource-metadata.url-forbidden',
};

export const resourceMetadata: Check = defineCheck<FindingId>({
  id: 'resource-metadata',
  title: 'What the server says of itself (protected-resource metadata)',
  asks: 'A GET of each place where it may be, in order, up to the first that has it: where the challenge says, below the path, at the root.',
  judges: 'One of them has a document about this server that names its authorization servers.',
  specification: [
    rfc(9728, '3.1'),
    rfc(9728, '3.3'),
    mcp('Authorization Server Discovery', 'Protected Resource Metadata Discovery Requirements'),
  ],
  findings: {
    'resource-metadata.absent': {
      severity: 'warning',
      fixedBy: 'server',
      meaning:
        'The server publishes no metadata. Its own origin is taken for the authorization server, as in revision 2025-03-26.',
      fix: 'Publish it at /.well-known/oauth-protected-resource, followed by the server’s path.',
      specification: mcp('Authorization Server Discovery', 'Authorization Server Location'),
    },
    'resource-metadata.other-resource': {
      severity: 'problem',
      fixedBy: 'server',
      meaning: 'The metadata is about another resource than this server: a token would be for that.',
      fix: 'Give "resource" the address that clients are given; or give people the address that stands there.',
      specification: rfc(9728, '3.3'),
    },
    'resource-metadata.failing': {
      severity: 'problem',
      fixedBy: 'server',
      meaning: 'A place that may hold the metadata fails, or the challenge promised one and there is none.',
      fix: 'Look into that server’s log; where there is no metadata, answer 404.',
      specification: rfc(9728, '3.2'),
    },
    'resource-metadata.invalid': {
      severity: 'problem',
      fixedBy: 'server',
      meaning: 'The metadata cannot be read.',
      fix: 'Serve a JSON object with at least "resource" and "authorization_servers".',
      specification: rfc(9728, '3.2'),
    },
    'resource-metadata.url-forbidden': {
      severity: 'problem',
      fixedBy: 'server',
      meaning: 'The metadata is at an address that is not followed: not https, or inside a network.',
      fix: 'Name an https address that everybody can reach.',
      specification: rfc(9728, '7.7'),
    },
    'resource-metadata.no-issuer': {
      severity: 'warning',
      fixedBy: 'server',
      meaning: 'The metadata names no authorization server: the server’s own origin is taken for it.',
      fix: 'Name it in "authorization_servers".',
      specification: mcp('Authorization Server Discovery', 'Authorization Server Location'),
    },
    'resource-metadata.broader': {
      severity: 'note',
      fixedBy: 'server',
      meaning:
        'The resource is a part of the host above the server: one token is good for all that lies below it.',
      fix: 'Let each server be a resource of its own, where they are not to be used together.',
      specification: mcp('Authorization', 'Canonical Server URI'),
    },
  },
  async run(step) {
    const { known, url, http } = step;
    if (known.refusal === undefined && known.isOpen !== true) return step.skip('no MCP server was met');
    const looks: DiscoveryLook[] = [];
    const onLook = (look: DiscoveryLook): void => void looks.push(look);
    let metadata;
    try {
      metadata = await discoverProtectedResource(url, known.challenge, http, onLook);
    } catch (error) {
      if (step.signal.aborted || !isPosternError(error)) throw error;
      known.discoveryError = error;
      return step.find(byCode[error.code] ?? 'resource-metadata.failing', {
        what: whatOf(error),
        fix: error.hint,
      });
    } finally {
      for (const look of looks) step.fact(describeLook(look));
    }
    known.resourceMetadata = metadata;
    known.isLookedUp = true;
    if (metadata === undefined) {
      if (known.isOpen === true) return step.fact('none, and none is needed');
      return step.find('resource-metadata.absent', {
        what: 'None of the places has it.',
        meanwhile: 'Nothing: the server’s origin is asked in its place.',
      });
    }
    const issuers = metadata.authorization_servers ?? [];
    known.issuers = issuers;
    if (issuers.length === 0)
      step.find('resource-metadata.no-issuer', { what: '"authorization_servers" is missing, or empty.' });
    else
      step.fact(
        `names ${issuers
          .slice(0, 5)
          .map((issuer) => quoteIssuer(issuer))
          .join(', ')}`,
      );
    if (!isSameIssuer(metadata.resource, url.href) && metadata.resource !== `${url.origin}${url.pathname}`) {
      step.find('resource-metadata.broader', {
        what: `"resource" is ${describeUrl(metadata.resource)}, above ${describeUrl(url)}.`,
      });
    }
  },
});

/** One place that was looked at, in a line. */
export function describeLook({ url, outcome, reason }: DiscoveryLook): string {
  const came =
    outcome === 'found'
      ? 'found'
      : outcome === 'skipped'
        ? 'not asked: its host had not answered'
        : (reason ?? outcome);
  return `${describeUrl(url).replaceAll('"', '')}: ${came}`;
}

/** The message of an error of ours as a sentence. */
export function whatOf({ message }: PosternError): string {
  return `${message.slice(0, 1).toUpperCase()}${message.slice(1)}.`;
}
