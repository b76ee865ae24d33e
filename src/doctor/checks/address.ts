import { classifyHost } from '../../http/host-class.ts';
import { defineCheck, type Check } from '../check.ts';
import { mcp, rfc } from '../specification.ts';

/** Parameters that servers are given keys in. */
const keyNames = /(?:key|token|secret|auth|password|credential|sig)/iu;

export const address: Check = defineCheck({
  id: 'address',
  title: 'The address',
  asks: 'Nothing is sent: the address is looked at.',
  judges: 'It is https, or loopback, and holds no credential.',
  specification: [mcp('Authorization', 'Communication Security'), rfc(6750, '5.3')],
  findings: {
    'address.not-https': {
      severity: 'problem',
      fixedBy: 'server',
      meaning: 'The address is http, and leads to another machine: whoever is in between reads tokens.',
      fix: 'Serve it over https.',
      specification: rfc(6750, '5.3'),
    },
    'address.holds-credential': {
      severity: 'warning',
      fixedBy: 'person',
      meaning:
        'The address holds what looks like a key: addresses are logged, and a token never belongs in one.',
      fix: 'Take it out of the address, and send it in a header, if the server takes it there.',
      specification: mcp('Authorization', 'Token Requirements'),
    },
  },
  run(step) {
    const { url } = step;
    const place = classifyHost(url.hostname);
    if (url.protocol === 'http:' && place !== 'loopback') {
      step.find('address.not-https', {
        what: `${url.host} is not this machine, and the address is not https.`,
      });
    }
    const names = [...url.searchParams.keys()].filter((name) => keyNames.test(name));
    if (names.length > 0 || url.password !== '') {
      step.find('address.holds-credential', {
        what: `What looks like a credential stands in the address (${
          names.length > 0
            ? `the parameter ${JSON.stringify(step.redact(names[0] ?? '', 60))}`
            : 'before its host'
        }).`,
        meanwhile: 'Send it as a header ("headers" of the server).',
      });
    }
    step.fact(
      `${url.protocol.replace(':', '')}, ${place === 'public' ? 'a public name' : `a ${place} address`}`,
    );
  },
});
