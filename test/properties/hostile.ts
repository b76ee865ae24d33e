import fc, { type Arbitrary } from 'fast-check';
import { canary } from '../support/canaries.ts';

/** What stands in texts that a stranger sends, and may be in no error. */
export const planted = canary('x7Kq2mWv9');

const codeUnits = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 })
  .map((units) => String.fromCharCode(...units));

const awkwardTexts = fc.constantFrom(
  '',
  ' ',
  '\u0000',
  '\uFEFF',
  '\uD800',
  'a\uDC00b',
  '\u202Egnp.exe',
  'a\r\nset-cookie: b=c',
  '\u001B[31m',
  '<img src=x onerror=alert(1)>',
  '"><svg/onload=1>',
  "' onmouseover=1 '",
  '%00%0d%0a',
  '%',
  'null',
  'undefined',
  'NaN',
  'true',
  '0',
  '-1',
  '1e999',
  '__proto__',
  '\\"',
  'A'.repeat(3_000),
  'é'.repeat(700),
);

/** Any text, a secret in it as often as not. */
export const hostileText: Arbitrary<string> = fc.oneof(
  fc.constant(planted),
  awkwardTexts,
  codeUnits,
  fc.string({ maxLength: 20 }),
  fc.tuple(codeUnits, awkwardTexts).map(([before, after]) => `${before}${planted}${after}`),
);

/** Where no request may ever go, in every spelling the URL parser takes. */
export const forbiddenAddresses = [
  'http://169.254.169.254/',
  'https://169.254.169.254/latest/meta-data',
  'http://[::ffff:a9fe:a9fe]/',
  'https://[::ffff:169.254.169.254]/',
  'http://[64:ff9b::7f00:1]/',
  'https://[64:ff9b::10.0.0.1]/',
  'http://[2002:7f00:1::]/',
  'https://[2002:7f00:1::]/',
  'http://0x7f.1/',
  'https://0x7f.1/',
  'http://2130706433/',
  'https://2130706433/',
  'https://017700000001/',
  'http://0/',
  'https://0/',
  'http://[::]/',
  'https://[::]/',
  'https://[::1]/',
  'http://localhost./',
  'https://localhost./',
  'https://a.localhost/',
  'http://①②⑦.0.0.1/',
  'https://①②⑦.0.0.1/',
  'http://10.0.0.1',
  'https://10.0.0.1',
  'https://192.168.0.1/x',
  'https://172.31.255.255/',
  'http://100.64.0.1',
  'https://100.64.0.1',
  'https://[fc00::1]/',
  'https://[fe80::1]/',
  'http://public.example/',
  'file:///etc/passwd',
  'gopher://127.0.0.1:70/_x',
  'ftp://public.example/',
  'javascript:alert(1)',
  'data:text/html,<script>1</script>',
  'blob:https://public.example/1',
  'https://user:pass@public.example/',
  'https://-oProxyCommand/',
  'https://$(calc)/',
] as const;

/** Addresses: good ones with something on them that nobody may read, bad ones, and texts that are none. */
export const hostileUrl: Arbitrary<string> = fc.oneof(
  fc.constantFrom(...forbiddenAddresses),
  fc.constantFrom(
    'https://public.example',
    'https://public.example/a/b?c=d#e',
    'https://public.example//evil.example/..',
    'https://public.example:65535/%2e%2e/x',
  ),
  fc.constantFrom(
    `https://public.example/${planted}`,
    `https://public.example/a/${planted}/b?token=${planted}`,
    `https://public.example/?${planted}=${planted}`,
    `https://public.example/#${planted}`,
    `https://${planted}@public.example/`,
    `https://a:${planted}@public.example/`,
    `http://10.0.0.1/${planted}`,
    `javascript:alert("${planted}")`,
    `data:text/plain,${planted}`,
    `${planted}:${planted}`,
    `https://public.example:99999/${planted}`,
  ),
  fc.ipV4().map((address) => `https://${address}/`),
  fc.ipV6().map((address) => `https://[${address}]/`),
  fc.integer({ min: 0, max: 0xffffffff }).map((address) => `https://${address}/`),
  // fc.webUrl makes arbitraries anew for each of its values, and would take most of the time.
  fc
    .tuple(
      fc.constantFrom('https', 'http', 'HTTPS', 'wss'),
      fc.array(fc.string({ maxLength: 8 }), { maxLength: 4 }),
    )
    .map(([scheme, parts]) => `${scheme}://public.example/${parts.join('/')}`),
  hostileText,
);

const awkwardKeys = fc.constantFrom(
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'toJSON',
  'hasOwnProperty',
  'then',
  'length',
  'error',
  'cause',
  'message',
  '',
  planted,
);

/** JSON texts that a parser takes and whoever reads its value may stumble on, and some that it does not take. */
const awkwardJson = fc.constantFrom(
  'null',
  'true',
  'false',
  '0',
  '-0',
  '-1',
  '1.5',
  '3600',
  '1e12',
  '1e308',
  '1e999',
  '-1e999',
  '5e-324',
  '9007199254740993',
  '[]',
  '{}',
  '""',
  '[null]',
  '[[]]',
  '{"toString":1,"valueOf":1}',
  '[{"toString":null,"valueOf":null}]',
  '{"__proto__":{"error":"x"}}',
  '"\\ud800"',
  '"\\u0000"',
  'NaN',
  'Infinity',
  'undefined',
  '01',
  "'x'",
  '"\n"',
);

const nested = fc
  .tuple(fc.constantFrom(2, 62, 63, 64, 65, 66, 400), fc.constantFrom('[]', '{}'))
  .map(([depth, kind]) =>
    kind === '[]' ? '['.repeat(depth) + ']'.repeat(depth) : '{"a":'.repeat(depth) + '1' + '}'.repeat(depth),
  );

const jsonText: Arbitrary<string> = hostileText.map((text) => JSON.stringify(text));

const smallObject = fc
  .array(fc.tuple(awkwardKeys, fc.oneof(awkwardJson, jsonText)), { maxLength: 3 })
  .map(writeObject);

/** One value of a document, as its text. */
const hostileJson: Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: awkwardJson },
  { weight: 4, arbitrary: jsonText },
  { weight: 2, arbitrary: hostileUrl.map((url) => JSON.stringify(url)) },
  { weight: 2, arbitrary: fc.array(jsonText, { maxLength: 3 }).map((texts) => `[${texts.join(',')}]`) },
  { weight: 2, arbitrary: smallObject },
  { weight: 1, arbitrary: nested },
);

function writeObject(fields: readonly (readonly [string, string])[]): string {
  return `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
}

/** What a stranger does to a document that was good. */
type Mutation =
  | { readonly kind: 'replace' | 'repeat' | 'append'; readonly at: number; readonly value: string }
  | { readonly kind: 'drop'; readonly at: number }
  | { readonly kind: 'name'; readonly name: string; readonly value: string };

const place = fc.nat({ max: 40 });
const mutation: Arbitrary<Mutation> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('replace' as const, 'repeat' as const, 'append' as const),
    at: place,
    value: hostileJson,
  }),
  fc.record({ kind: fc.constant('drop' as const), at: place }),
  fc.record({
    kind: fc.constant('name' as const),
    name: fc.oneof(awkwardKeys, hostileText),
    value: hostileJson,
  }),
);

/** A JSON object that was good, with some of its fields replaced, repeated, dropped, or joined by others. */
export function hostileDocument(good: Readonly<Record<string, unknown>>): Arbitrary<string> {
  const names = Object.keys(good);
  const fields = names.map((name) => [name, JSON.stringify(good[name])] as const);
  return fc.array(mutation, { maxLength: 3 }).map((mutations) => writeObject(mutate(fields, mutations)));
}

function mutate(
  fields: readonly (readonly [string, string])[],
  mutations: readonly Mutation[],
): (readonly [string, string])[] {
  let mutated = [...fields];
  for (const each of mutations) {
    if (each.kind === 'name') {
      mutated.push([each.name, each.value]);
      continue;
    }
    const at = each.at % Math.max(mutated.length, 1);
    const name = mutated[at]?.[0] ?? 'x';
    if (each.kind === 'drop') mutated = mutated.toSpliced(at, 1);
    else if (each.kind === 'replace') mutated[at] = [name, each.value];
    // Either of two fields of one name may be the one that is read.
    else if (each.kind === 'repeat') mutated.unshift([name, each.value]);
    else mutated.push([name, each.value]);
  }
  return mutated;
}

/** What may become of a text on its way. */
export const hostileBytes = (text: Arbitrary<string>): Arbitrary<Uint8Array<ArrayBuffer>> =>
  fc
    .tuple(
      text,
      fc.oneof(
        { weight: 12, arbitrary: fc.constant('whole' as const) },
        { weight: 1, arbitrary: fc.constantFrom('marked', 'cut', 'spoilt', 'wrapped', 'doubled', 'empty') },
      ),
      fc.nat(),
    )
    .map(([whole, fate, at]) => bytesOf(whole, fate, at));

const encoder = new TextEncoder();

function bytesOf(text: string, fate: string, at: number): Uint8Array<ArrayBuffer> {
  switch (fate) {
    case 'marked':
      return encoder.encode(`\uFEFF${text}`);
    case 'cut':
      return encoder.encode(text.slice(0, at % (text.length + 1)));
    case 'spoilt': {
      const bytes = encoder.encode(text);
      if (bytes.length > 0) bytes[at % bytes.length] = 0x80 + (at % 0x80);
      return bytes;
    }
    case 'wrapped':
      return encoder.encode(`[${text}]`);
    case 'doubled':
      return encoder.encode(text + text);
    case 'empty':
      return new Uint8Array();
    default:
      return encoder.encode(text);
  }
}

/** A text that a header can carry. */
export const headerText: Arbitrary<string> = hostileText.map((text) =>
  text.replaceAll(/[^\t\x20-\x7E\x80-\xFF]/gu, '').trim(),
);

/** How a reply of a server looks whose body was to be a JSON object. */
export interface HostileReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

const contentTypes = fc.constantFrom(
  'application/json',
  'application/json; charset=utf-8',
  'application/x-www-form-urlencoded',
  'text/html',
  'text/plain',
  '',
);

/** A reply that was good, in its body, status and headers; as a form now and then. */
export function hostileReply(
  good: Readonly<Record<string, unknown>>,
  goodStatus = 200,
): Arbitrary<HostileReply> {
  const form = fc
    .array(fc.tuple(fc.constantFrom(...Object.keys(good), '__proto__', 'error'), hostileText), {
      maxLength: 6,
    })
    .map((pairs) =>
      new URLSearchParams([...pairs, ...Object.entries(good).map(([k, v]) => [k, String(v)])] as [
        string,
        string,
      ][]).toString(),
    );
  const status = fc.oneof(
    { weight: 5, arbitrary: fc.constant(goodStatus) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(200, 201, 202, 400, 401, 403, 404, 429, 500, 503, 302, 307),
    },
  );
  return fc
    .tuple(
      hostileBytes(fc.oneof({ weight: 6, arbitrary: hostileDocument(good) }, { weight: 1, arbitrary: form })),
      status,
      contentTypes,
      fc.option(headerText, { freq: 8 }),
      fc.option(headerText, { freq: 8 }),
      fc.option(
        hostileUrl.map((url) => url.replaceAll(/[^\x21-\x7E]/gu, '')),
        { freq: 8 },
      ),
    )
    .map(([body, code, contentType, retryAfter, nonce, location]) => ({
      status: code,
      body,
      headers: {
        ...(contentType !== '' && { 'content-type': contentType }),
        ...(retryAfter !== null && { 'retry-after': retryAfter }),
        ...(nonce !== null && { 'dpop-nonce': nonce }),
        ...(location !== null && { location }),
      },
    }));
}

/** The reply as `fetch` gives it, and how much of its body was read. */
export function responseOf({ status, headers, body }: HostileReply): Response {
  return new Response(body, { status, headers });
}
