import { findPosternError } from '../../core/postern-error.ts';
import { defineCheck, type Check } from '../check.ts';
import type { McpAnswer } from '../mcp-exchange.ts';
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
  | 'network.proxy-refuses'
  | 'network.proxy-unreachable';

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
    'network.proxy-unreachable': {
      severity: 'problem',
      fixedBy: 'person',
      meaning: 'Requests go through a proxy that the environment names, and nothing is reached through it.',
      fix: 'Check the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names, or except the host in NO_PROXY.',
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
    const proxy = proxyOf(step);
    // What a proxy tunnels is not shaken hands with from here.
    if (proxy === undefined) await shakeHands(step);
    let answer: McpAnswer;
    try {
      answer = await step.ask({ method: 'GET', purpose: 'is anybody there?' });
    } catch (error) {
      if (step.signal.aborted) throw error;
      return tellFailure(step, error, proxy);
    }
    const { response, status } = answer;
    if (status === 407 || response.headers.has('proxy-authenticate')) {
      return step.find('network.proxy-refuses', {
        what: `A proxy answered in place of ${url.host}: status ${status}.`,
      });
    }
    known.get = answer;
    known.reached = true;
  },
});

function tellFailure(step: Step<FindingId>, error: unknown, proxy: string | undefined): void {
  const { host } = step.url;
  const { kind, code } = networkFailureOf(error);
  const seen = code === undefined ? '' : ` (${code})`;
  const isOfProxy = proxy !== undefined && !kind.startsWith('certificate') && kind !== 'proxy';
  if (isOfProxy)
    return step.find('network.proxy-unreachable', {
      what: `${host} was not reached through the proxy at ${proxy}${seen}.`,
    });
  const [id, what] = failures[kind];
  step.find(id, {
    what: `${host} was not reached: ${what}${seen}.`,
    ...(id === 'network.certificate' && {
      meanwhile:
        'Name the authority’s certificate in NODE_EXTRA_CA_CERTS, or start with NODE_OPTIONS=--use-system-ca where the system trusts it.',
    }),
  });
}

async function shakeHands(step: Step<FindingId>): Promise<void> {
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

/** The host of the proxy that requests go through: what the environment names may hold a password. */
function proxyOf(step: Step<FindingId>): string | undefined {
  const proxy = step.options.proxyFor?.(step.url);
  if (proxy === undefined) return undefined;
  const host = URL.canParse(proxy) ? new URL(proxy).host : 'an address that cannot be read';
  step.fact(`through the proxy at ${host}`);
  return host;
}
