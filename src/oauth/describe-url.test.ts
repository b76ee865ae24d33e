import { describe, expect, test } from 'vitest';
import { describeUrl, quoteIssuer } from './describe-url.ts';

describe('what an error says of an address', () => {
  test.each([
    ['https://a.example', '"https://a.example/"'],
    ['https://a.example:8443/mcp?token=t#f', '"https://a.example:8443/mcp"'],
    ['https://user:pass@a.example/mcp', '"https://a.example/mcp"'],
    [
      'https://a.example/.well-known/oauth-protected-resource/mcp',
      '"https://a.example/.well-known/oauth-protected-resource/mcp"',
    ],
  ])('is of %s where it leads', (url, said) => {
    expect(describeUrl(url)).toBe(said);
  });

  test('leaves out what could be a key in the path', () => {
    expect(describeUrl('https://a.example/s/OGM0ZTk1YjctZDU2Mi00/mcp')).toBe('"https://a.example/s/…/mcp"');
    expect(describeUrl('https://a.example/a=CNRY%20x7Kq2mWv9pL4;b/mcp')).toBe('"https://a.example/…;b/mcp"');
  });

  test('tells one tenant from another', () => {
    const url = 'https://login.example/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0';
    expect(describeUrl(url)).toBe(JSON.stringify(url));
  });

  test.each([
    ['data:text/plain,secret', '"data:…"'],
    ['javascript:alert(1)', '"javascript:…"'],
    ['my-secret-key-7f3a:rest', '"a text that is no URL"'],
    ['secret', '"a text that is no URL"'],
  ])('is of %s, which may be content, at most its scheme', (url, said) => {
    expect(describeUrl(url)).toBe(said);
  });

  test('is at most 200 characters long', () => {
    expect(describeUrl(`https://a.example/${'x/'.repeat(500)}`)).toHaveLength(203);
  });
});

describe('what an error says of an issuer', () => {
  test.each(['https://a.example', 'https://a.example/', 'https://AS.example', 'https://a.example:443/x'])(
    'is %s to the letter',
    (issuer) => expect(quoteIssuer(issuer)).toBe(JSON.stringify(issuer)),
  );

  test.each([
    [
      'https://dev-1234567890123456.example/s/OGM0ZTk1YjctZDU2Mi00',
      '"https://dev-1234567890123456.example/s/…"',
    ],
    ['https://user:pass@a.example/x', '"https://a.example/x"'],
    ['https://a.example?token=t', '"https://a.example/"'],
    [`https://a.example/${'x/'.repeat(500)}`, expect.stringMatching(/^.{203}$/u)],
    ['data:text/plain,secret', '"data:…"'],
  ])('leaves out of %s what may be secret or is too long', (issuer, said) => {
    expect(quoteIssuer(issuer)).toEqual(said);
  });
});
