import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FormRefusedError, readForm } from './form-request.ts';

const origin = 'https://server.example';
const ours = {
  origin,
  'sec-fetch-site': 'same-origin',
  'content-type': 'application/x-www-form-urlencoded',
};

function post(body: BodyInit, headers: Record<string, string | undefined> = {}): Request {
  const all = Object.entries({ ...ours, ...headers }).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, value]],
  );
  return new Request(`${origin}/oob/connect/x`, {
    method: 'POST',
    body,
    headers: all,
    duplex: 'half',
  } as RequestInit);
}

async function refusalOf(request: Request): Promise<number | undefined> {
  try {
    await readForm(request, origin);
  } catch (error) {
    if (error instanceof FormRefusedError && error.code === 'ERR_POSTERN_OOB_FORM_REFUSED')
      return error.status;
    throw error;
  }
  return undefined;
}

describe('readForm', () => {
  test.each([
    ['another origin', { origin: 'https://evil.example' }],
    ['an origin that only begins alike', { origin: `${origin}.evil.example` }],
    ['the same host on another port', { origin: `${origin}:8443` }],
    ['the same host without TLS', { origin: 'http://server.example' }],
    ['an opaque origin', { origin: 'null' }],
    ['another site, by fetch metadata alone', { origin: undefined, 'sec-fetch-site': 'cross-site' }],
    ['a sibling site', { 'sec-fetch-site': 'same-site' }],
    ['an address that was typed in', { 'sec-fetch-site': 'none' }],
    [
      'a program that says nothing of where it comes from',
      { origin: undefined, 'sec-fetch-site': undefined },
    ],
  ])('refuses a form of %s, before its body is read', async (_from, headers) => {
    const request = post('secret=x', headers);
    expect(await refusalOf(request)).toBe(403);
    expect(request.bodyUsed).toBe(false);
  });

  test.each([
    ['origin', { 'sec-fetch-site': undefined }],
    ['fetch metadata', { origin: undefined }],
  ])('takes a form whose %s alone says that it is ours', async (_what, headers) => {
    expect((await readForm(post('a=1', headers), origin)).get('a')).toBe('1');
  });

  test.each([
    ['multipart', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['plain text, as a simple request may carry', { 'content-type': 'text/plain' }],
    ['JSON', { 'content-type': 'application/json' }],
    ['of no type', { 'content-type': '' }],
    ['in another character set', { 'content-type': 'application/x-www-form-urlencoded; charset=utf-16' }],
    ['compressed', { 'content-encoding': 'gzip' }],
  ])('refuses a body that is %s, unread', async (_what, headers) => {
    const request = post('a=1', headers);
    expect(await refusalOf(request)).toBe(415);
    expect(request.bodyUsed).toBe(false);
  });

  test('takes 64 KiB, and refuses a byte more', async () => {
    const limit = 64 * 1024;
    expect((await readForm(post(`a=${'x'.repeat(limit - 2)}`), origin)).get('a')).toHaveLength(limit - 2);
    expect(await refusalOf(post(`a=${'x'.repeat(limit - 1)}`))).toBe(413);
  });

  test('stops reading a body without an end at its limit', async () => {
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled += 16_384;
        controller.enqueue(new Uint8Array(16_384).fill(97));
      },
    });
    expect(await refusalOf(post(endless))).toBe(413);
    expect(pulled).toBeLessThan(256 * 1024);
  });

  test('believes no length that is smaller than the body', async () => {
    expect(await refusalOf(post(`a=${'x'.repeat(70_000)}`, { 'content-length': '10' }))).toBe(413);
  });

  test('refuses 10,000 fields, and the 201st', async () => {
    const fields = (count: number): string =>
      Array.from({ length: count }, (_, index) => `f${index}=1`).join('&');
    expect(await refusalOf(post(fields(5_000)))).toBe(413);
    expect(await refusalOf(post(fields(201)))).toBe(413);
    expect([...(await readForm(post(fields(200)), origin)).keys()]).toHaveLength(200);
  });

  test('refuses a field that is there twice', async () => {
    expect(await refusalOf(post('form-token=a&x=1&form-token=b'))).toBe(400);
    expect(await refusalOf(post('a=1&%61=2'))).toBe(400);
  });

  test.each(['a=%FF', 'a=%C3%28', 'a=%ED%A0%80', 'a=%', 'a=%zz', '%FF=a'])(
    'refuses %s rather than repair it',
    async (body) => {
      expect(await refusalOf(post(body))).toBe(400);
    },
  );

  test('refuses bytes that are not UTF-8', async () => {
    expect(await refusalOf(post(new Uint8Array([0x61, 0x3d, 0xff])))).toBe(400);
  });

  test('gives every value back as it was entered', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 200 }), async (value) => {
        fc.pre(value.isWellFormed());
        const form = await readForm(post(new URLSearchParams({ value }).toString()), origin);
        expect(form.get('value')).toBe(value);
      }),
    );
    const hard = ' leading and trailing \u0000\t\r\n+&=%25 😀 e\u0301 \uFEFF';
    expect((await readForm(post(new URLSearchParams({ hard }).toString()), origin)).get('hard')).toBe(hard);
  });

  test('says nothing of what the form carried', async () => {
    const error = await readForm(post('password=CNRY-1&password=CNRY-2'), origin).catch(
      (reason: unknown) => reason,
    );
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain('CNRY');
  });
});
