import { describe, expect, test, vi } from 'vitest';
import { programmableFetch } from '../../test/support/programmable-fetch.ts';
import { createOAuthHttp } from './oauth-http.ts';

const coded = (code: string): unknown => expect.objectContaining({ code });
const url = 'https://as.example/token';
const post = { method: 'POST', body: 'a=b' };

/** A body that ends only when it is cancelled. */
function endless(cancelled?: () => void): Response {
  return new Response(
    new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
      cancel: () => cancelled?.(),
    }),
  );
}

function redirect(location: string, status = 302): Response {
  return new Response(null, { status, headers: { location } });
}

describe('createOAuthHttp', () => {
  test('a forbidden URL is refused before anything is sent', async () => {
    const { fetch, sent } = programmableFetch({});
    const http = createOAuthHttp({ fetch });
    await expect(http.fetch('http://169.254.169.254/', post)).rejects.toEqual(
      coded('ERR_POSTERN_OAUTH_URL_FORBIDDEN'),
    );
    await expect(http.getDocument(new URL('https://10.0.0.1/'))).rejects.toEqual(
      coded('ERR_POSTERN_OAUTH_URL_FORBIDDEN'),
    );
    expect(sent).toEqual([]);
  });

  test('a body beyond the limit is cancelled, and reported', async () => {
    const cancelled = vi.fn();
    const http = createOAuthHttp({ fetch: async () => endless(cancelled), maxBodyBytes: 100_000 });
    await expect(http.fetch(url, post)).rejects.toEqual(coded('ERR_POSTERN_OAUTH_RESPONSE_INVALID'));
    expect(cancelled).toHaveBeenCalledOnce();
  });

  test('a body of exactly the limit is read', async () => {
    const http = createOAuthHttp({ fetch: async () => new Response('12345'), maxBodyBytes: 5 });
    expect(await (await http.fetch(url, post)).text()).toBe('12345');
  });

  test('a fetch that ignores its signal ends at the deadline all the same', async () => {
    const http = createOAuthHttp({ fetch: () => new Promise(() => {}), timeoutMs: 5 });
    await expect(http.fetch(url, post)).rejects.toEqual(coded('ERR_POSTERN_OAUTH_UNREACHABLE'));
    await expect(http.fetch(url, post)).rejects.toThrow('"as.example" did not answer within 5 ms');
  });

  test('a body that never ends is cut at the deadline', async () => {
    const stalled = (): Response =>
      new Response(new ReadableStream({ start: (c) => c.enqueue(new Uint8Array(1)) }));
    const http = createOAuthHttp({ fetch: async () => stalled(), timeoutMs: 5 });
    await expect(http.fetch(url, post)).rejects.toEqual(coded('ERR_POSTERN_OAUTH_UNREACHABLE'));
  });

  test('a network failure names the host and keeps its cause', async () => {
    const cause = new TypeError('fetch failed');
    const http = createOAuthHttp({ fetch: () => Promise.reject(cause) });
    await expect(http.fetch(url, post)).rejects.toMatchObject({
      code: 'ERR_POSTERN_OAUTH_UNREACHABLE',
      cause,
      message: expect.stringContaining('"as.example"'),
    });
  });

  test('an aborted caller gets its own reason', async () => {
    const controller = new AbortController();
    const http = createOAuthHttp({ fetch: () => new Promise(() => {}), signal: controller.signal });
    const call = http.fetch(url, post);
    controller.abort(new DOMException('enough', 'AbortError'));
    await expect(call).rejects.toMatchObject({ name: 'AbortError' });
    await expect(http.fetch(url, post)).rejects.toMatchObject({ name: 'AbortError' });
  });

  test.each([301, 302, 303, 307, 308])('a POST answered with %i is not followed', async (status) => {
    const { fetch, sent } = programmableFetch({ [url]: redirect('https://other.example/token', status) });
    await expect(createOAuthHttp({ fetch }).fetch(url, post)).rejects.toEqual(
      coded('ERR_POSTERN_OAUTH_RESPONSE_INVALID'),
    );
    expect(sent).toHaveLength(1);
  });

  test('a document is fetched over three redirects, and not over four', async () => {
    const { fetch } = programmableFetch({
      'https://a.example/0': redirect('/1'),
      'https://a.example/1': redirect('https://b.example/2', 307),
      'https://b.example/2': redirect('3', 308),
      'https://b.example/3': { here: true },
      'https://a.example/far': redirect('/0'),
      'https://a.example/loop': redirect('/loop'),
    });
    const http = createOAuthHttp({ fetch });
    const response = await http.getDocument(new URL('https://a.example/0'));
    expect(await response.json()).toEqual({ here: true });
    for (const path of ['far', 'loop']) {
      await expect(http.getDocument(new URL(`https://a.example/${path}`))).rejects.toEqual(
        coded('ERR_POSTERN_OAUTH_RESPONSE_INVALID'),
      );
    }
  });

  test.each([
    'http://b.example/',
    'https://10.1.2.3/',
    'http://127.0.0.1/',
    'file:///etc/passwd',
    'https://u@b.example/',
  ])('a document that redirects to %s is not followed there', async (location) => {
    const { fetch, sent } = programmableFetch({ 'https://a.example/': redirect(location) });
    await expect(createOAuthHttp({ fetch }).getDocument(new URL('https://a.example/'))).rejects.toEqual(
      coded('ERR_POSTERN_OAUTH_URL_FORBIDDEN'),
    );
    expect(sent).toHaveLength(1);
  });

  test('a redirect from https to http on loopback is not followed', async () => {
    const { fetch, sent } = programmableFetch({ 'https://localhost/': redirect('http://localhost/') });
    const http = createOAuthHttp({ fetch, trustedBy: 'http://localhost/mcp' });
    await expect(http.getDocument(new URL('https://localhost/'))).rejects.toEqual(
      coded('ERR_POSTERN_OAUTH_URL_FORBIDDEN'),
    );
    expect(sent).toHaveLength(1);
  });

  test('no header of the encoded body survives its decoding', async () => {
    const headers = { 'content-encoding': 'identity', 'content-length': '4', 'content-type': 'text/x' };
    const http = createOAuthHttp({ fetch: async () => new Response('abcd', { headers }) });
    const response = await http.fetch(url, post);
    expect([...response.headers.keys()]).toEqual(['content-type']);
  });

  test('a 204 has no body and is no error', async () => {
    const http = createOAuthHttp({ fetch: async () => new Response(null, { status: 204 }) });
    expect((await http.fetch(url, post)).status).toBe(204);
  });
});
