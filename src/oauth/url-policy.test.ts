import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { classifyHost } from '../http/host-class.ts';
import { allowPrivateNetwork, checkBrowserUrl, checkUrl } from './url-policy.ts';

const forbidden = expect.objectContaining({ code: 'ERR_POSTERN_OAUTH_URL_FORBIDDEN' });

describe('checkUrl', () => {
  test.each([
    'http://169.254.169.254/',
    'https://169.254.169.254/latest',
    'https://[::ffff:a9fe:a9fe]/',
    'https://[::ffff:169.254.169.254]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[64:ff9b:1::1]/',
    'https://[2002:7f00:1::]/',
    'https://[2001::1]/',
    'https://[2001:db8::1]/',
    'https://[::127.0.0.1]/',
    'https://[fe80::1]/',
    'https://[ff02::1]/',
    'https://0/',
    'https://[::]/',
    'https://192.0.2.1/',
    'https://198.18.0.1/',
    'https://224.0.0.1/',
    'https://255.255.255.255/',
    'file:///etc/passwd',
    'gopher://example.com/',
    'javascript:alert(1)',
    'data:text/html,x',
    'ms-msdt:/id',
    'http://example.com/',
    'http://10.0.0.1/',
    'https://user@example.com/',
    'https://user:word@example.com/',
    'https://$(calc)/x',
    'https://-rf.example/',
    'not a url',
    '',
  ])('refuses %j even for a server on loopback', (url) => {
    expect(() => checkUrl(url, { trustedBy: 'http://localhost:3000/mcp' })).toThrow(forbidden);
  });

  test.each([
    'https://0x7f.1/',
    'https://2130706433/',
    'https://127.0.0.1./',
    'http://127.0.0.1:8080/',
    'http://localhost/',
    'https://localhost./',
    'https://app.localhost/',
    'https://①②⑦.0.0.1/',
    'https://[::1]/',
    'https://10.0.0.1/',
    'https://100.64.0.1/',
    'https://172.31.255.255/',
    'https://192.168.1.1/',
    'https://[fd00::1]/',
  ])('refuses %j unless the server itself is loopback or private', (url) => {
    expect(() => checkUrl(url)).toThrow(forbidden);
    expect(() => checkUrl(url, { trustedBy: 'https://mcp.example/' })).toThrow(forbidden);
    expect(checkUrl(url, { trustedBy: 'http://127.0.0.1:9/mcp' }).href).toBe(new URL(url).href);
    expect(checkUrl(url, { trustedBy: 'https://192.168.0.9/mcp' }).href).toBe(new URL(url).href);
    expect(checkUrl(url, { [allowPrivateNetwork]: true }).href).toBe(new URL(url).href);
  });

  test.each([
    'https://as.example/t?x=1',
    'https://8.8.8.8/',
    'https://[2606:4700::1111]/',
    'https://172.32.0.1/',
  ])('lets %j pass', (url) => {
    expect(checkUrl(url).href).toBe(new URL(url).href);
  });

  test('an error names origin and path only', () => {
    expect(() => checkUrl('http://as.example/a?secret=CNRY')).toThrow('"http://as.example/a"');
    expect(() => checkUrl('http://as.example/a?secret=CNRY')).not.toThrow('CNRY');
  });
});

describe('classifyHost', () => {
  test('every address of 127.0.0.0/8 is loopback, whatever its spelling', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0x7f000000, max: 0x7fffffff }), (address) => {
        expect(classifyHost(new URL(`http://${address}/`).hostname)).toBe('loopback');
        expect(classifyHost(new URL(`http://0x${address.toString(16)}/`).hostname)).toBe('loopback');
      }),
    );
  });

  test('no IPv6 form of an IPv4 address is public', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.constantFrom('::ffff:', '::', '64:ff9b::'), (address, prefix) => {
        expect(classifyHost(new URL(`http://[${prefix}${address}]/`).hostname)).not.toBe('public');
      }),
    );
  });

  test('every IPv6 address has a class', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        if (!URL.canParse(`http://[${address}]/`)) return;
        const { hostname } = new URL(`http://[${address}]/`);
        expect(['public', 'private', 'loopback', 'reserved']).toContain(classifyHost(hostname));
      }),
    );
  });
});

describe('checkBrowserUrl', () => {
  test('encodes what a shell would read', () => {
    const url = checkBrowserUrl("https://a.example/$(calc.exe);`x`|y?q='a'&r=(b)!%22#frag");
    expect(url).toBe('https://a.example/%24%28calc.exe%29%3B%60x%60%7Cy?q=%27a%27&r=%28b%29%21%22');
    expect(url).not.toMatch(/[$()`'|;!<>"\\^{}*]/u);
  });

  test('leaves an ordinary authorization URL as it is', () => {
    const url =
      'https://a.example/authorize?client_id=x%2Fy&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcb&scope=a+b';
    expect(checkBrowserUrl(url)).toBe(url);
  });
});
