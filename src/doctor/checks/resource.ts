import { describeUrl } from '../../oauth/describe-url.ts';
import type { Discovery } from '../../oauth/discovery.ts';
import { resourceParameter } from '../../oauth/profiles/shape-parameters.ts';
import { statedAudiences } from '../../oauth/token-audience.ts';
import { probeAuthorize } from '../authorize-probe.ts';
import { defineCheck, type Check } from '../check.ts';
import { whyNoIssuer } from '../known.ts';
import { mcp, rfc } from '../specification.ts';
import type { Step } from '../step.ts';

type FindingId = 'resource.refused' | 'resource.other-audience' | 'resource.shaped';

export const resource: Check = defineCheck<FindingId>({
  id: 'resource',
  title: 'Which server a token is for (resource indicators)',
  asks: 'Where the request before came back with invalid_target, the same without "resource".',
  judges:
    'The request goes through with "resource" in it. Whether a token is bound to it shows only in one: a stored one that can be read names this resource.',
  specification: [rfc(8707, '2'), mcp('Authorization', 'Resource Parameter Implementation')],
  findings: {
    'resource.refused': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning: 'The authorization server refuses the "resource" that every client of MCP has to send.',
      fix: 'Let it know the server’s resource, or ignore a parameter that it does not know.',
      specification: rfc(8707, '2'),
    },
    'resource.other-audience': {
      severity: 'warning',
      fixedBy: 'issuer',
      meaning:
        'The stored access token names another audience than the server’s resource: a server that checks it refuses it, and one that does not takes tokens that are for others.',
      fix: 'Bind tokens to the "resource" that they are asked for.',
      specification: mcp('Authorization', 'Token Audience Binding and Validation'),
    },
    'resource.shaped': {
      severity: 'note',
      fixedBy: 'issuer',
      meaning:
        '"resource" is left out here, or sent under another name: the provider is known not to take it as it is.',
      fix: 'Take "resource" as the standard has it.',
      specification: rfc(8707, '2'),
    },
  },
  async run(step) {
    const { known } = step;
    const { discovery, profile, client, authorize } = known;
    if (discovery === undefined) return step.skip(whyNoIssuer(step.known));
    const sent = resourceParameter(discovery.resource, profile).resource;
    const name = profile.renameParams?.['resource'];
    if (sent === undefined) step.find('resource.shaped', { what: 'It is not sent.' });
    else if (name !== undefined)
      step.find('resource.shaped', { what: `It is sent as ${JSON.stringify(name)}.` });
    else step.fact(`sent is ${describeUrl(sent)}`);
    judgeAudience(step, discovery);
    if (sent === undefined || client === undefined || authorize?.kind !== 'error') return;
    if (authorize.error !== 'invalid_target') return;
    const without = await probeAuthorize(
      step,
      { discovery, client },
      { purpose: 'without resource', profile: { omitResource: true } },
    );
    const helps = without.kind !== 'error' || without.error !== 'invalid_target';
    step.find('resource.refused', {
      what: `With ${describeUrl(sent)} as its "resource" the request comes back with invalid_target${helps ? '; without, it does not' : ', and without it, too'}.`,
      ...(helps && {
        meanwhile: 'Leave it out. A token is then for whatever the authorization server takes it to be for.',
        configure: { auth: { type: 'oauth', profile: { omitResource: true } } },
      }),
    });
    if (helps) known.authorize = without;
  },
});

function judgeAudience(step: Step<FindingId>, { resource: wanted }: Discovery): void {
  const token = step.options.earlier?.grant?.accessToken;
  if (token === undefined) return;
  const named = statedAudiences(token);
  if (named === undefined) return step.fact('whom the stored token is for cannot be read from it');
  const bare = (text: string): string => text.replace(/\/$/u, '');
  if (named.some((each) => bare(each) === bare(wanted)))
    return step.fact('the stored token is for this resource');
  step.find('resource.other-audience', {
    what: `The stored token is for ${named
      .slice(0, 3)
      .map((each) => JSON.stringify(step.redact(each, 120)))
      .join(', ')}, and the resource is ${describeUrl(wanted)}.`,
  });
}
