import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contrast, parseColor, readableAccents } from './accent.ts';
import { lookOf, type Appearance } from './look.ts';
import { page } from './page.ts';

const svg = 'data:image/svg+xml;base64,PHN2Zy8+';

test('any color can be read on the card, by day and by night, as text and under text', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xff_ff_ff }), (number) => {
      const color = parseColor(`#${number.toString(16).padStart(6, '0')}`)!;
      const { light, dark } = readableAccents(color);
      expect(contrast(parseColor(light)!, [255, 255, 255])).toBeGreaterThanOrEqual(4.5);
      expect(contrast(parseColor(dark)!, [0x1b, 0x21, 0x2a])).toBeGreaterThanOrEqual(4.5);
    }),
  );
});

test('a color that can be read already is not changed', () => {
  expect(readableAccents(parseColor('#2355c5')!).light).toBe('#2355c5');
  expect(readableAccents(parseColor('#8db1ff')!).dark).toBe('#8db1ff');
  expect(parseColor('#25c')).toEqual([0x22, 0x55, 0xcc]);
});

test.each<[string, Appearance]>([
  ['a color that is a rule', { color: 'red;}body{background:url(https://evil.example)}' }],
  ['a color by name', { color: 'red' }],
  ['a logo over http', { logo: 'http://acme.example/logo.png' }],
  ['a logo that would add to the policy', { logo: "https://acme.example/x; script-src 'unsafe-inline'" }],
  ['a logo with a user', { logo: 'https://user:pass@acme.example/logo.png' }],
  ['a logo that is no picture', { logo: 'data:text/html;base64,PGI+' }],
  ['a logo that is not in base64', { logo: 'data:image/svg+xml,<svg onload=alert(1)>' }],
  ['a logo of more than 64 KiB', { logo: `data:image/png;base64,${'A'.repeat(70_000)}` }],
  ['help by script', { support: 'javascript:alert(1)' }],
  ['no catalogue at all', { texts: [] }],
])('%s is refused when the appearance is given', (_what, appearance) => {
  expect(() => lookOf(appearance)).toThrow(/"appearance\./u);
});

test('a page may load the one picture of its look, and nothing else', async () => {
  const policyOf = async (logo: string): Promise<string | null> => {
    const content = { tone: 'plain', title: 'x', text: 'x' } as const;
    return (await page(200, content, { look: lookOf({ logo }) })).headers.get('content-security-policy');
  };
  expect(await policyOf('https://acme.example/logo.svg')).toContain('img-src https://acme.example/logo.svg;');
  expect(await policyOf(svg)).toContain('img-src data:;');
});

test('the name is what is said, else the host; it is escaped like everything else', async () => {
  expect(lookOf({ name: 'Acme' }, 'bot.example').name).toBe('Acme');
  expect(lookOf({}, 'bot.example').name).toBe('bot.example');
  const look = lookOf({ name: '<script>alert(1)</script>' });
  const html = await (await page(200, { tone: 'plain', title: 'x', text: 'x' }, { look })).text();
  expect(html).not.toContain('<script>');
});
