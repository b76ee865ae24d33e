import { expect, test } from 'vitest';
import { drawCode } from './draw-code.ts';

test('a code is drawn where the terminal has room for it, margin included', () => {
  const text = 'https://issuer.example/device?code=WDJB-MJHT';
  const drawn = drawCode(text, 80);
  const widths = new Set(drawn?.split('\n').map(({ length }) => length));
  expect(widths.size).toBe(1);
  const [width = 0] = widths;
  expect([drawCode(text, width) === drawn, drawCode(text, width - 1)]).toEqual([true, undefined]);
});
