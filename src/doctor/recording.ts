import type { Clock } from '../core/clock.ts';
import type { FetchLike } from '../http/fetch-like.ts';
import { describeUrl } from '../oauth/describe-url.ts';
import { networkFailureOf } from './network-failure.ts';
import type { Exchange } from './report.ts';

/** The headers of an answer that tell something about it. */
const told = [
  'www-authenticate',
  'location',
  'content-type',
  'retry-after',
  'mcp-session-id',
  'allow',
  'proxy-authenticate',
  'via',
  'server',
] as const;

/** More requests in one step are a loop, whoever leads into it. */
const maxExchanges = 40;

/** Names what the next request is for. */
export const purposeHeader = 'x-postern-purpose';

interface RecordingOptions {
  readonly fetch: FetchLike;
  readonly exchanges: Exchange[];
  readonly redact: (text: string, maxLength?: number) => string;
  readonly clock: Clock;
  readonly onSkew: (host: string, skewMs: number) => void;
}

/** A `fetch` that writes down what was asked and what came. */
export function recordingFetch(options: RecordingOptions): FetchLike {
  const { exchanges, redact, clock, onSkew } = options;
  return async (url, init) => {
    if (exchanges.length >= maxExchanges) throw new RangeError('too many requests');
    const headers = new Headers(init.headers);
    const purpose = headers.get(purposeHeader);
    headers.delete(purposeHeader);
    const began = performance.now();
    const asked = `${init.method ?? 'GET'} ${plain(describeUrl(url))}`;
    const note = (came: string, response?: Response): void => {
      exchanges.push({
        asked,
        ...(purpose !== null && { purpose }),
        came,
        ...(response && { status: response.status }),
        headers: response === undefined ? {} : tellingHeaders(response, url, redact),
        durationMs: Math.round(performance.now() - began),
      });
    };
    try {
      const response = await options.fetch(url, { ...init, headers });
      const date = Date.parse(response.headers.get('date') ?? '');
      // Half the way there and back; the header counts whole seconds.
      const lag = (performance.now() - began) / 2;
      if (!Number.isNaN(date)) onSkew(new URL(url).host, date + 500 - (clock() - lag));
      note(
        `${response.status}${response.statusText === '' ? '' : ` ${redact(response.statusText, 60)}`}`,
        response,
      );
      return response;
    } catch (error) {
      const { kind, code } = networkFailureOf(error);
      note(`no answer (${code ?? kind})`);
      throw error;
    }
  };
}

function tellingHeaders(
  response: Response,
  url: string,
  redact: RecordingOptions['redact'],
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of told) {
    const value = response.headers.get(name);
    if (value === null) continue;
    // A session is a secret to whoever reads the report, and a redirect carries its state.
    if (name === 'mcp-session-id') found[name] = '…';
    else if (name === 'location')
      found[name] = plain(describeUrl(URL.canParse(value, url) ? new URL(value, url) : value));
    else found[name] = redact(value);
  }
  return found;
}

/** Without the quotes that a sentence wants. */
function plain(quoted: string): string {
  return quoted.replaceAll(/^"|"$/gu, '');
}
