import { renderUnicodeCompact } from 'uqr';

/** A text as a QR code for a terminal of so many columns; `undefined` when it has no room. */
export function drawCode(text: string, columns: number): string | undefined {
  // Without its margin a camera does not find it.
  const drawn = renderUnicodeCompact(text, { border: 2 });
  return drawn.indexOf('\n') <= columns ? drawn : undefined;
}
