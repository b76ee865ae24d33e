import { isPosternError } from '../../core/postern-error.ts';
import { describeUrl, quoteIssuer } from '../../oauth/describe-url.ts';
import { revokeGrant } from '../../oauth/revocation.ts';
import { defineCheck, type Check } from '../check.ts';
import { whyNoIssuer } from '../known.ts';
import { rfc } from '../specification.ts';
import { whatOf } from './resource-metadata.ts';

export const revocation: Check = defineCheck({
  id: 'revocation',
  title: 'Signing out (revocation)',
  asks: 'A revocation of an access token that is made up, where there is a client to ask as.',
  judges: 'There is a revocation endpoint, and a token that it does not know counts as ended.',
  specification: [rfc(7009, '2')],
  findings: {
    'revocation.absent': {
      severity: 'note',
      fixedBy: 'issuer',
      meaning:
        'Tokens cannot be revoked: who signs out here leaves tokens that are good until they end by themselves.',
      fix: 'Offer revocation, and name it in "revocation_endpoint".',
      specification: rfc(8414, '2'),
    },
    'revocation.refuses-unknown': {
      severity: 'note',
      fixedBy: 'issuer',
      meaning:
        'A token that is not known is refused in place of being taken for ended: a logout cannot say that it is over.',
      fix: 'Answer status 200 for a token that is not known.',
      specification: rfc(7009, '2.2'),
    },
    'revocation.failing': {
      severity: 'note',
      fixedBy: 'issuer',
      meaning: 'The revocation endpoint fails, or refuses the client.',
      fix: 'Look into that server’s log.',
      specification: rfc(7009, '2.2'),
    },
  },
  async run(step) {
    const { discovery, client, profile } = step.known;
    if (discovery === undefined) return step.skip(whyNoIssuer(step.known));
    const endpoint = discovery.server.revocation_endpoint;
    if (endpoint === undefined)
      return step.find('revocation.absent', {
        what: `${quoteIssuer(discovery.issuer)} names no revocation endpoint.`,
      });
    step.fact(`revocation endpoint ${describeUrl(endpoint).replaceAll('"', '')}`);
    if (client === undefined) return;
    try {
      const { accessToken } = await revokeGrant(
        {
          issuer: discovery.issuer,
          revocationEndpoint: endpoint,
          client,
          profile,
          refreshToken: undefined,
          accessToken: 'postern-doctor-made-this-up',
        },
        step.http,
      );
      if (accessToken === 'confirmed') return step.fact('a token that is made up counts as ended');
      step.find('revocation.refuses-unknown', { what: `A token that is made up is ${accessToken}.` });
    } catch (error) {
      if (step.signal.aborted || !isPosternError(error)) throw error;
      step.find('revocation.failing', { what: whatOf(error) });
    }
  },
});
