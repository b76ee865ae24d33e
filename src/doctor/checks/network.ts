import { findPosternError } from '../../core/postern-error.ts';
import { defineCheck, type Check } from '../check.ts';
import { networkFailureOf, type NetworkFailure } from '../network-failure.ts';
import type { Step } from '../step.ts';

const soonMs = 14 * 24 * 60 * 60_000;

/** What becomes of a failure: the finding, and what is said. */
const failures: Readonly<Record<NetworkFailure, readonly [id: FindingId, what: string]>> = {
  'name-unknown': ['network.name-unknown', 'its name is not known here'],
  refused: ['network.refused', 'nothing listens there'],
  silent: ['network.silent', 'it does not answer'],
  certificate: ['network.certificate', 'its certificate is not signed by anybody who is trusted here'],
  'certificate-name': ['network.certificate-name', 'its certificate is for another name'],
  'certificate-expired': ['network.certificate-expired', 'its certificate has run out, or is not good yet'],
  'no-way': ['network.no-way', 'there is no way to it from here'],
  proxy: ['network.proxy-refuses', 'the proxy does not let the request through'],
  broken: ['network.broken', 'it broke off the connection'],
};

type FindingId =
  | 'network.name-unknown'
  | 'network.refused'
  | 'network.silent'
  | 'network.certificate'
  | 'network.certificate-name'
  | 'network.certificate-expired'
  | 'network.certificate-ends-soon'
  | 'network.no-way'
  | 'network.broken'
  | 'network.proxy-not-used'
  | 'network.proxy-refuses';

export const network: Check = defineCheck<FindingId>({
  id: 'network',
  title: 'The way there',
  asks: 'A handshake by TLS, and a GET of the address.',
  judges:
    'There is an answer, whatever it is. The certificate is verified as every request does it; HTTP versions are those that the host offers (ALPN).',
  specification: [],
  findings: {
    'network.name-unknown': {
      severity: 'problem',
      fixedBy: 'network',
      meaning: 'The host has no address here.',
      fix: 'Check how the address is written; a name that is known only inside a network needs that network (VPN, DNS).',
    },
    'network.refused': {
      severity: 'problem',
      fixedBy: 'server',
      meaning: 'Nothing listens at the host’s port.',
      fix: 'Start the server, or say its right port.',
    },
    'network.silent': {
      severity: 'problem',
      fixedBy: 'network',
      meaning: 'The host gives no answer in time.',
      fix: 'Find out whether a firewall is in the way; if not, whether the server is up.',
    },
    'network.certificate': {
      severity: 'problem',
      fixedBy: 'organisation',
      meaning:
        'The certificate is not signed by anybody who is trusted here: by a private authority, or its chain is incomplete.',
      fix: 'A server sends its whole chain. Where an organisation signs its own, or looks into TLS, its authority has to be trusted.',
    },
    'network.certificate-name': {
      severity: 'problem',
      fixedBy: 'server',
      meaning: 'The certificate is for another name.',
      fix: 'Get a certificate for this name, or give people the other one.',
    },
    'network.certificate-expired': {
      severity: 'problem',
      fixedBy: 'server',
      meaning: 'The certificate is not good at this time.',
      fix: 'Renew it; if it is good, the clock of this machine is wrong.',
    },
    'network.certificate-ends-soon': {
      severity: 'note',
      fixedBy: 'server',
      meaning: 'The certificate runs out within two weeks.',
      fix: 'See that it is renewed.',
    },
    'network.no-way': {
      severity: 'problem',
      fixedBy: 'network',
      meaning: 'This machine has no way to the host, or may not use it.',
      fix: 'Check this machine’s connection, and what its firewall or sandbox allows.',
    },
    'network.broken': {
      severity: 'problem',
      fixedBy: 'server',
      meaning: 'The host breaks off the connection, or what it speaks is no HTTP.',
      fix: 'Check that this port speaks what the address says (http or https), and what its log says.',
    },
    'network.proxy-not-used': {
      severity: 'warning',
      fixedBy: 'person',
      meaning: 'The environment names a proxy, which Node goes past unless it is told to use it.',
      fix: 'Decide whether requests are to go through the proxy.',
    },
    'network.proxy-refuses': {
      severity: 'problem',
      fixedBy: 'organisation',
      meaning: 'A proxy on the way refuses the request.',
      fix: 'Have the proxy let this host through, or give it the credentials that it wants.',
    },
  },
  async run(step) {
    const { url, known } = step;
    // What a proxy tunnels is not shaken hands with from here.
    if (!goesThroughProxy(step)) await shakeHands(step);
    try {
      known.get = await step.ask({ method: 'GET', purpose: 'is anybody there?' });
      known.reached = true;
    } catch (error) {
      if (step.signal.aborted) throw error;
      const { kind, code } = networkFailureOf(error);
      const [id, what] = failures[kind];
      step.find(id, {
        what: `${url.host} was not reached: ${what}${code === undefined ? '' : ` (${code})`}.`,
        ...(id === 'network.certificate' && {
          meanwhile:
            'Name the authority’s certificate in NODE_EXTRA_CA_CERTS, or start with NODE_OPTIONS=--use-system-ca where the system trusts it.',
        }),
      });
      return;
    }
    const { response, status } = known.get;
    if (status === 407 || response.headers.has('proxy-authenticate')) {
      step.find('network.proxy-refuses', {
        what: `A proxy answered in place of ${url.host}: status ${status}.`,
      });
    }
  },
});

async function shakeHands(step: Step): Promise<void> {
  const { url, options, signal, requestTimeoutMs, clock } = step;
  if (url.protocol !== 'https:' || options.probeTls === undefined) return;
  try {
    const { protocol, applicationProtocol, validUntilMs } = await options.probeTls(
      url,
      requestTimeoutMs,
      signal,
    );
    const http = applicationProtocol === 'h2' ? 'offers HTTP/2' : 'offers HTTP/1.1';
    const until =
      validUntilMs === undefined
        ? ''
        : `; certificate good until ${new Date(validUntilMs).toISOString().slice(0, 10)}`;
    step.fact(`${protocol ?? 'TLS'}, ${http}${until}`);
    if (validUntilMs !== undefined && validUntilMs - clock() < soonMs && validUntilMs > clock()) {
      step.find('network.certificate-ends-soon', {
        what: `The certificate of ${url.host} runs out on ${new Date(validUntilMs).toISOString().slice(0, 10)}.`,
      });
    }
  } catch (error) {
    // Through a proxy there may be no other way than its own: what the request says decides.
    step.fact(
      `no handshake by TLS (${findPosternError(error)?.code ?? networkFailureOf(error).code ?? 'broken off'})`,
    );
  }
}

function goesThroughProxy(step: Step<FindingId>): boolean {
  const { url, options } = step;
  const { environment = {} } = options;
  const value = (name: string): string | undefined => environment[name] ?? environment[name.toLowerCase()];
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  if ((value(name) ?? '') === '') return false;
  const isExcepted = (value('NO_PROXY') ?? '')
    .split(',')
    .map((each) => each.trim().replace(/^\*?\./u, ''))
    .some(
      (each) => each === '*' || (each !== '' && (url.hostname === each || url.hostname.endsWith(`.${each}`))),
    );
  if (isExcepted) {
    step.fact(`${name} is set, and NO_PROXY excepts this host`);
    return false;
  }
  if (
    environment['NODE_USE_ENV_PROXY'] === '1' ||
    environment['NODE_OPTIONS']?.includes('--use-env-proxy') === true
  ) {
    step.fact(`through the proxy of ${name}`);
    return true;
  }
  step.find('network.proxy-not-used', {
    what: `${name} is set, but requests do not go through it: Node goes straight to ${url.host}.`,
    meanwhile:
      'Set NODE_USE_ENV_PROXY=1 to go through the proxy (Node 24, or 22.21), or name the host in NO_PROXY.',
  });
  return false;
}
