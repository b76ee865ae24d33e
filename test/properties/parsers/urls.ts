import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describeUrl } from '../../../src/oauth/describe-url.ts';
import { checkBrowserUrl, checkUrl } from '../../../src/oauth/url-policy.ts';
import { elicitation } from '../../../src/interaction/elicitation/elicitation.ts';
import { Pages } from '../../../src/interaction/pages/pages.ts';
import type { FlowVisit } from '../../../src/interaction/flow.ts';
import { hostileText, hostileUrl } from '../hostile.ts';
import { checkTellsNothing, outcomeOf } from '../outcome.ts';
import { parserProperty, type ParserProperty } from '../parser-property.ts';
import { checkIsPublic } from '../wire.ts';

const policy = parserProperty(
  'an address that a public server names is public and https, or refused, in every spelling',
  hostileUrl,
  async (url) => {
    const { value } = await outcomeOf(() => checkUrl(url, { trustedBy: 'https://server.example/mcp' }));
    if (value === undefined) return;
    checkIsPublic(value.href);
    assert.equal(checkUrl(value.href).href, value.href);
  },
);

const browser = parserProperty(
  'an address for a browser has nothing in it that a shell could read, and is the same when checked again',
  hostileUrl,
  async (url) => {
    const { value } = await outcomeOf(() => checkBrowserUrl(url));
    if (value === undefined) return;
    checkIsPublic(value);
    assert.ok(!/[^\w\-.~/?=&%+:,@[\]]/u.test(value), value);
    assert.equal(checkBrowserUrl(value), value);
  },
);

const described = parserProperty(
  'what an error says of an address is short, quoted, and holds no secret',
  hostileUrl,
  (url) => {
    const text = describeUrl(url);
    assert.ok(text.length < 800 && /^"[^\n]*"$/u.test(text), text);
    checkTellsNothing('the description', text);
  },
);

const asked = fc.record({ url: hostileUrl, message: hostileText });

/** As much of a visit as showing a page takes. */
function visitOf(elicitations: readonly { url: string; message: string }[]): FlowVisit {
  const data = { server: 'a server', elicitations };
  return {
    rest: '',
    pages: new Pages(),
    request: new Request('https://host.example/connect/x'),
    pending: { data: { flow: 'elicitation', message: '', request: {}, wanted: [], data } },
    formToken: 'token',
    statusUrl: 'https://host.example/connect/x/status',
  } as unknown as FlowVisit;
}

/** The tags of a page, without the addresses in them: what is the same whatever a stranger says. */
function tagsOf(page: string): string[] {
  return (page.match(/<[^>]*>/gu) ?? []).map((tag) => tag.replace(/ href="[^"]*"/u, ' href'));
}

async function pageOf(elicitations: readonly { url: string; message: string }[]): Promise<string> {
  const begun = await elicitation.begin({
    cause: { server: 'a server', elicitations },
    say: new Pages().say,
  } as never);
  const { elicitations: kept } = begun.data as { elicitations: typeof elicitations };
  return (await elicitation.visit(visitOf(kept))).text();
}

const harmless = { url: 'https://public.example/', message: 'Please.' };

const elicited = parserProperty(
  'a link that a server asks a person to open is on our page only when it is public and https, and brings no markup',
  fc.array(asked, { minLength: 1, maxLength: 3 }),
  async (all) => {
    // As session/server-questions.ts does before anybody is asked.
    const { value } = await outcomeOf(() =>
      all.map(({ url, message }) => ({ url: checkUrl(url).href, message })),
    );
    if (value === undefined) return;
    const page = await pageOf(value);
    for (const [, href = ''] of page.matchAll(/href="([^"]*)"/gu))
      checkIsPublic(href.replaceAll('&amp;', '&'));
    assert.deepEqual(tagsOf(page), tagsOf(await pageOf(value.map(() => harmless))));
  },
);

export const urlProperties: readonly ParserProperty[] = [policy, browser, described, elicited];
