import { isPkceUnadvertised } from '../../oauth/attempt.ts';
import { quoteIssuer } from '../../oauth/describe-url.ts';
import { defineCheck, type Check } from '../check.ts';
import { whyNoIssuer } from '../known.ts';
import { mcp, rfc } from '../specification.ts';

export const pkce: Check = defineCheck({
  id: 'pkce',
  title: 'PKCE',
  asks: 'Nothing more: "code_challenge_methods_supported" is looked at.',
  judges: 'It lists S256. A server that does not is refused, unless it is known to have it all the same.',
  specification: [mcp('Authorization', 'Authorization Code Protection'), rfc(7636, '4.2')],
  findings: {
    'pkce.unadvertised': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning:
        'The metadata does not say that PKCE with S256 is there: without it a stolen code is good for whoever has it.',
      fix: 'Turn PKCE on, and list "S256" in "code_challenge_methods_supported".',
      specification: mcp('Authorization', 'Authorization Code Protection'),
    },
    'pkce.known-unadvertised': {
      severity: 'note',
      fixedBy: 'issuer',
      meaning:
        'PKCE is not advertised, and is there: as is known of this provider, or as the configuration says.',
      fix: 'List "S256" in "code_challenge_methods_supported".',
      specification: mcp('Authorization', 'Authorization Code Protection'),
    },
    'pkce.plain-offered': {
      severity: 'note',
      fixedBy: 'issuer',
      meaning: 'The method "plain" is offered, too, which protects nothing that can be seen on the way.',
      fix: 'Offer S256 alone.',
      specification: rfc(9700, '2.1.1'),
    },
  },
  run(step) {
    const { discovery, profile } = step.known;
    if (discovery === undefined) return step.skip(whyNoIssuer(step.known));
    if (discovery.legacyEndpoints) return step.fact('nothing is advertised; S256 is used all the same');
    const methods = discovery.server.code_challenge_methods_supported;
    const listed = methods === undefined ? 'nothing' : step.redact(methods.join(', '), 100);
    if (isPkceUnadvertised(discovery)) {
      const what = `${quoteIssuer(discovery.issuer)} lists ${listed}.`;
      if (profile.pkceUnadvertised === true || step.options.auth?.allowPkceUnadvertised === true)
        return step.find('pkce.known-unadvertised', { what, meanwhile: 'Nothing: S256 is used.' });
      return step.find('pkce.unadvertised', {
        what,
        meanwhile: 'Where it is on all the same, go on without its being said.',
        configure: { auth: { type: 'oauth', allowPkceUnadvertised: true } },
      });
    }
    step.fact(`lists ${listed}`);
    if (methods?.includes('plain') === true) step.find('pkce.plain-offered', { what: `It lists ${listed}.` });
  },
});
