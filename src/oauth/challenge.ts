/** What a 401 or 403 of a protected resource asks for. All of it is the server's word, and not to be shown. */
export interface Challenge {
  /** In lower case: `bearer`, `dpop`, or another one we do not speak. */
  readonly scheme: string;
  /** Every scheme offered, in lower case, in order. */
  readonly schemes: readonly string[];
  readonly error?: string | undefined;
  readonly errorDescription?: string | undefined;
  readonly scope?: readonly string[] | undefined;
  readonly resourceMetadataUrl?: string | undefined;
  /** Of the `DPoP-Nonce` header, to be used in the next proof for this server. */
  readonly dpopNonce?: string | undefined;
}

interface ParsedChallenge {
  readonly scheme: string;
  readonly parameters: Map<string, string>;
}

const maxHeaderLength = 65_536;

/**
 * Reads the challenge that concerns OAuth out of a response, whatever stands around it.
 *
 * Of several challenges, one that carries an error comes first, then `bearer`, then `dpop`. Malformed parts
 * are skipped. Takes time linear in the header, of which 64 kB are read.
 */
export function parseChallenge(response: Response): Challenge | undefined {
  const header = response.headers.get('www-authenticate');
  if (header === null) return undefined;
  const all = readChallenges(header.slice(0, maxHeaderLength));
  const ours = all.filter(({ scheme }) => scheme === 'bearer' || scheme === 'dpop');
  const chosen =
    ours.find(({ parameters }) => parameters.has('error')) ??
    ours.find(({ scheme }) => scheme === 'bearer') ??
    ours[0] ??
    all[0];
  if (chosen === undefined) return undefined;
  const find = (name: string): string | undefined =>
    chosen.parameters.get(name) ?? ours.find(({ parameters }) => parameters.has(name))?.parameters.get(name);
  const scope = find('scope')
    ?.split(/\s+/u)
    .filter((token) => token !== '');
  return {
    scheme: chosen.scheme,
    schemes: all.map(({ scheme }) => scheme),
    error: chosen.parameters.get('error'),
    errorDescription: chosen.parameters.get('error_description'),
    scope: scope === undefined || scope.length === 0 ? undefined : [...new Set(scope)],
    // What is no absolute URL counts as left out: the well-known places are there without it.
    resourceMetadataUrl: absoluteUrl(find('resource_metadata')),
    dpopNonce: response.headers.get('dpop-nonce') ?? undefined,
  };
}

/** A parameter of the challenges as it came, whatever is made of it: for whoever looks into a server that sends it wrong. */
export function challengeParameter(response: Response, name: string): string | undefined {
  const header = response.headers.get('www-authenticate')?.slice(0, maxHeaderLength) ?? '';
  return readChallenges(header)
    .find(({ parameters }) => parameters.has(name))
    ?.parameters.get(name);
}

function absoluteUrl(text: string | undefined): string | undefined {
  return text !== undefined && URL.canParse(text) ? text : undefined;
}

const token = /[\w!#$%&'*+.^`|~-]+/uy;
const blank = /[\s,]*/uy;
const spaces = /[ \t]*/uy;
/** A value that should have been quoted: addresses are written so. */
const bareValue = /[^\s,"]+/uy;
/** … or is, by the wrong quotes. */
const wronglyQuoted = /'[^',"]*'/uy;
/** What may follow a scheme in place of parameters. */
const token68 = /[\w.~+/-]+=*/uy;

/** A cursor over the header. Sticky expressions make every step start where the last one ended. */
function readChallenges(header: string): ParsedChallenge[] {
  const challenges: ParsedChallenge[] = [];
  let at = 0;
  const take = (expression: RegExp): string => {
    expression.lastIndex = at;
    const found = expression.exec(header)?.[0] ?? '';
    at += found.length;
    return found;
  };
  while (at < header.length) {
    take(blank);
    const name = take(token);
    if (name === '') {
      // Neither separator nor token: skipped, so that one bad character does not hide what follows.
      at++;
      continue;
    }
    const afterName = at;
    take(spaces);
    const current = challenges.at(-1);
    if (header[at] === '=' && current !== undefined) {
      at++;
      take(spaces);
      const value = header[at] === '"' ? takeQuoted() : take(wronglyQuoted).slice(1, -1) || take(bareValue);
      // The first of a repeated parameter stands, as for a header field that allows one value.
      if (!current.parameters.has(name.toLowerCase())) current.parameters.set(name.toLowerCase(), value);
    } else {
      at = afterName;
      challenges.push({ scheme: name.toLowerCase(), parameters: new Map() });
      skipToken68();
    }
  }
  return challenges;

  function takeQuoted(): string {
    let value = '';
    for (at++; at < header.length; at++) {
      if (header[at] === '"') {
        at++;
        return value;
      }
      if (header[at] === '\\' && at + 1 < header.length) at++;
      value += header[at];
    }
    return value;
  }

  function skipToken68(): void {
    const start = at;
    // Without a blank there is none, and to look for one behind every token would take quadratic time.
    if (take(spaces) === '') return;
    const found = take(token68);
    const next = header[at];
    // `a=` may open a parameter as well: it is one unless the list goes on or ends right after it.
    const ends = next === undefined || next === ',' || (found.endsWith('=') && next === ' ');
    if (!ends || !found.endsWith('=')) at = start;
  }
}
