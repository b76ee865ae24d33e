/** The grounds that links and buttons of our pages stand on, as in the stylesheet. */
const grounds = { light: '#ffffff', dark: '#1b212a' } as const;
/** What text needs to be read by people whose sight is not the best. @see WCAG 2.2, success criterion 1.4.3 */
const minContrast = 4.5;

type Rgb = readonly [red: number, green: number, blue: number];

/** Reads `#rgb` or `#rrggbb`; `undefined` for anything else. */
export function parseColor(text: string): Rgb | undefined {
  const digits = /^#(?<digits>[0-9a-f]{3}|[0-9a-f]{6})$/iu.exec(text)?.groups?.['digits'];
  if (digits === undefined) return undefined;
  const whole = digits.length === 3 ? digits.replaceAll(/./gu, '$&$&') : digits;
  const part = (at: number): number => Number.parseInt(whole.slice(at, at + 2), 16);
  return [part(0), part(2), part(4)];
}

/** A color as near to the given one as can be read on a page, by day and by night. */
export function readableAccents(color: Rgb): { readonly light: string; readonly dark: string } {
  return { light: readableOn(grounds.light, color, 0), dark: readableOn(grounds.dark, color, 255) };
}

export function contrast(a: Rgb, b: Rgb): number {
  const [brighter = 0, darker = 0] = [luminance(a), luminance(b)].toSorted((x, y) => y - x);
  return (brighter + 0.05) / (darker + 0.05);
}

function readableOn(ground: string, color: Rgb, towards: 0 | 255): string {
  const on = parseColor(ground) ?? color;
  const mixed = (share: number): Rgb => {
    const [red, green, blue] = color.map((part) => Math.round(part + (towards - part) * share)) as [
      number,
      number,
      number,
    ];
    return [red, green, blue];
  };
  const steps = Array.from({ length: 21 }, (_, step) => mixed(step / 20));
  const found = steps.find((candidate) => contrast(candidate, on) >= minContrast) ?? mixed(1);
  return `#${found.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

/** @see WCAG 2.2, relative luminance */
function luminance(color: Rgb): number {
  const [red = 0, green = 0, blue = 0] = color.map((part) => {
    const share = part / 255;
    return share <= 0.040_45 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
