import { readRetryAfter, describeTime } from '../../core/retry-after.ts';
import { describeUrl } from '../../oauth/describe-url.ts';
import { defineCheck, type Check } from '../check.ts';
import type { McpAnswer } from '../mcp-exchange.ts';
import { describeAnswer, isRefusal } from '../mcp-requests.ts';
import { mcp, rfc } from '../specification.ts';

export const endpoint: Check = defineCheck({
  id: 'endpoint',
  title: 'What is at the address',
  asks: 'Nothing more: the answers to the GET and the two POSTs are looked at.',
  judges: 'An MCP server of one of the eras answers there itself, without a redirect.',
  specification: [mcp('Transports', 'Streamable HTTP'), mcp('Transports', 'Backwards Compatibility')],
  findings: {
    'endpoint.redirects': {
      severity: 'problem',
      fixedBy: 'person',
      meaning:
        'The address redirects. A POST is not sent on by every client, and a credential never to another host.',
      fix: 'Configure the address that it leads to, if that is the server’s.',
      specification: rfc(9110, '15.4'),
    },
    'endpoint.web-page': {
      severity: 'problem',
      fixedBy: 'person',
      meaning: 'A web page is at the address, and no MCP server.',
      fix: 'Ask the server’s operator for the address of its MCP endpoint; it often ends in /mcp.',
    },
    'endpoint.not-found': {
      severity: 'problem',
      fixedBy: 'person',
      meaning: 'The host knows nothing at this path.',
      fix: 'Check the path; MCP servers are often at /mcp, older ones at /sse.',
    },
    'endpoint.legacy-sse': {
      severity: 'note',
      fixedBy: 'server',
      meaning: 'The server speaks HTTP+SSE, the transport of 2024, which is deprecated.',
      fix: 'Offer Streamable HTTP beside it.',
      specification: mcp('Transports', 'Backwards Compatibility'),
    },
    'endpoint.rate-limited': {
      severity: 'problem',
      fixedBy: 'server',
      meaning: 'The server asks to be left alone for a while.',
      fix: 'Wait, and find out what asks it so often.',
      specification: rfc(6585, '4'),
    },
    'endpoint.failing': {
      severity: 'problem',
      fixedBy: 'server',
      meaning: 'The server fails (5xx) whatever it is asked.',
      fix: 'Look into the server’s log.',
    },
    'endpoint.forbidden': {
      severity: 'problem',
      fixedBy: 'server',
      meaning:
        'Everything is answered with 403, without asking for credentials: by a firewall, or by a check of Host or Origin.',
      fix: 'Let this client through, or answer 401 with a challenge where it is credentials that are missing.',
      specification: rfc(9110, '15.5.4'),
    },
    'endpoint.not-mcp': {
      severity: 'problem',
      fixedBy: 'server',
      meaning: 'Something answers that is no MCP server of any revision.',
      fix: 'Check that this is the address of an MCP server, and what a proxy before it makes of it.',
      specification: mcp('Transports', 'Streamable HTTP'),
    },
  },
  run(step) {
    const { known, url } = step;
    if (!known.reached) return step.skip('the server was not reached');
    const { get, initialize, discover } = known;
    if (known.legacyVersion !== undefined || known.modernVersions !== undefined)
      return step.fact('an MCP server');
    // Who speaks only the transport of 2024 has nothing to refuse in a POST.
    if (known.refusal === undefined && get !== undefined && isRefusal(get))
      known.refusal = { answer: get, method: 'GET' };
    if (known.refusal !== undefined) return step.fact('something that asks for credentials');
    const post = initialize ?? discover;
    if (post === undefined || get === undefined) return step.skip('it gave no whole answer');
    const { status, response } = post;
    const location = response.headers.get('location');
    if (status >= 300 && status < 400 && location !== null) {
      const target = URL.canParse(location, url) ? new URL(location, url) : undefined;
      target?.searchParams.forEach((_value, name) => target.searchParams.delete(name));
      const isWeb = target?.protocol === 'https:' || target?.protocol === 'http:';
      return step.find('endpoint.redirects', {
        what: `${describeUrl(url)} answers status ${status} and leads to ${target === undefined ? 'nowhere' : describeUrl(target)}.`,
        ...(isWeb && { configure: { url: `${target.origin}${target.pathname}` } }),
      });
    }
    const isStream = get.response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    if (isStream && /^event: ?endpoint\b/mu.test(get.text)) {
      return step.find('endpoint.legacy-sse', {
        what: 'A GET opens a stream that names another address to post to, as the transport of 2024 has it.',
        meanwhile: 'Say which transport it is.',
        configure: { transport: 'sse' },
      });
    }
    if (status === 429 || status === 503) {
      const { retryAtMs } = readRetryAfter(response, step.clock());
      return step.find('endpoint.rate-limited', {
        what: `The server answers status ${status}${retryAtMs === undefined ? '' : ` until ${describeTime(retryAtMs)}`}.`,
      });
    }
    if (status >= 500) return step.find('endpoint.failing', { what: `The server answers status ${status}.` });
    if (status === 403)
      return step.find('endpoint.forbidden', { what: 'The server answers status 403 without a challenge.' });
    const isPage = isWebPage(post) || (get.status === 200 && isWebPage(get));
    const isMissing = status === 404 || status === 405 || status === 410;
    if (isPage && (!isMissing || get.status === 200))
      return step.find('endpoint.web-page', {
        what: `A web page is at ${describeUrl(url)} (status ${status}).`,
      });
    if (isMissing)
      return step.find('endpoint.not-found', {
        what: `${describeUrl(url)} is answered with status ${status}.`,
      });
    step.find('endpoint.not-mcp', {
      what: `initialize was answered with ${describeAnswer(post)}${discover === undefined ? '' : `, server/discover with ${describeAnswer(discover)}`}.`,
    });
  },
});

function isWebPage({ response, text }: McpAnswer): boolean {
  const type = response.headers.get('content-type') ?? '';
  return type.includes('html') || /^\s*<(?:!doctype|html)/iu.test(text);
}
