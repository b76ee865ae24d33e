import assert from 'node:assert/strict';
import fc from 'fast-check';
import { RemoteAuthCoordinator } from '../../../src/client/index.ts';
import { validateCallback } from '../../../src/oauth/callback.ts';
import { MemoryBackend } from '../../../src/storage/memory-backend.ts';
import { hostileText, hostileUrl, planted } from '../hostile.ts';
import { checkTellsNothing, outcomeOf } from '../outcome.ts';
import { parserProperty, type ParserProperty } from '../parser-property.ts';
import { issuer } from '../wire.ts';

const names = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom('code', 'state', 'iss', 'error', 'error_description', 'error_uri'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('__proto__', 'constructor', 'toString', 'Code', 'code ', 'code[]', ''),
  },
  { weight: 1, arbitrary: hostileText },
);
const values = fc.oneof(
  hostileText,
  hostileUrl,
  fc.constantFrom(
    issuer,
    `${issuer}/`,
    'access_denied',
    'server_error',
    'invalid_scope',
    'INVALID_SCOPE',
    'x'.repeat(32),
  ),
);
const pairs = fc.array(fc.tuple(names, values), { maxLength: 8 });
/** As the browser sends it, escapes that are none included. */
const query = fc.oneof(
  pairs.map((all) => new URLSearchParams(all).toString()),
  pairs.map((all) => all.map(([name, value]) => `${name}=${value}`).join('&')),
);

const expectations = fc.record({
  issuer: fc.constant(issuer),
  statedIssuer: fc.constantFrom(undefined, 'https://other.example', ''),
  issParameterSupported: fc.boolean(),
});

const parameters = parserProperty(
  'a callback gives its one code, or is refused without a word of it',
  fc.tuple(query, expectations),
  async ([text, expectation]) => {
    const params = new URLSearchParams(text);
    const before = params.toString();
    const { value, error } = await outcomeOf(() => validateCallback(expectation, params));
    const again = await outcomeOf(() => validateCallback(expectation, params));
    assert.deepEqual([again.value, again.error?.code], [value, error?.code], 'asked twice, it says the same');
    assert.equal(params.toString(), before, 'what came is left as it was');
    if (value === undefined) return;
    assert.deepEqual(params.getAll('code'), [value.code]);
    assert.notEqual(value.code, '');
    assert.ok(
      [null, expectation.statedIssuer ?? issuer].includes(params.get('iss')),
      'it came from the issuer',
    );
    assert.ok(!expectation.issParameterSupported || params.has('iss'), 'a promised issuer is there');
  },
);

/** How long a page may be that says no to a stranger. */
const maxPageLength = 6_000;

const coordinator = new RemoteAuthCoordinator({
  storage: new MemoryBackend(),
  publicUrl: 'https://host.example/postern',
  verifyUser: () => 'alice',
});

const requests = fc.record({
  path: fc.oneof(
    fc.constantFrom(
      '/callback',
      '/callback/',
      '/connect',
      '/connect/',
      '/connect/..%2fcallback',
      '//callback',
    ),
    fc.constant(`/connect/${'x'.repeat(32)}`),
    hostileText.map((text) => `/connect/${encodeURIComponent(text.toWellFormed())}`),
  ),
  query,
  method: fc.constantFrom('GET', 'GET', 'GET', 'POST', 'HEAD', 'PUT', 'OPTIONS'),
  cookie: hostileText.map((text) => text.replaceAll(/[^\x20-\x7E]/gu, '').trim()),
  forwarded: fc.constantFrom(undefined, 'evil.example'),
});

const gate = parserProperty(
  'a request of a stranger to the pages is answered with a short page that holds nothing of it',
  requests,
  async ({ path, query: search, method, cookie, forwarded }) => {
    const address = `https://host.example/postern${path}?${search}`;
    if (!URL.canParse(address)) return;
    const request = new Request(address, {
      method,
      headers: { cookie, ...(forwarded && { 'x-forwarded-host': forwarded }) },
    });
    const response = await coordinator.fetch(request);
    const body = await response.text();
    assert.ok(response.status >= 400 && response.status < 500, `status ${response.status}`);
    assert.ok(body.length < maxPageLength, `a page of ${body.length}`);
    const seen = `${JSON.stringify([...response.headers])}\n${body}`;
    checkTellsNothing('the page', seen.replaceAll(encodeURIComponent(planted), planted));
    assert.ok(!/<img|<svg|onerror|onmouseover|evil\.example/u.test(seen), 'no markup of a stranger');
  },
);

export const callbackProperties: readonly ParserProperty[] = [parameters, gate];
