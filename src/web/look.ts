import { PosternError } from '../core/postern-error.ts';
import { parseColor, readableAccents } from './accent.ts';
import { Inline } from './inline.ts';
import { stylesheet } from './stylesheet.ts';
import { english } from './texts/english.ts';
import { checkTexts, type Texts } from './texts/texts.ts';

/** How our pages look and speak, errors included, so that people know whose they are. */
export interface Appearance {
  /** Who asks, in the words people know: `Acme Assistant`. Default: the host of the public address. */
  readonly name?: string | undefined;
  /** A picture beside the name: an https URL, or a `data:` URL of at most 64 KiB. */
  readonly logo?: string | undefined;
  /** Of buttons and links, as `#rrggbb`. Made darker by day and brighter by night until it can be read. */
  readonly color?: string | undefined;
  /** Where people get help: an https or mailto URL. */
  readonly support?: string | undefined;
  /**
   * What the pages say; of several catalogues, the one that the browser asks for, else the first. Default: English.
   *
   * @example
   * texts: [{ ...english, 'action.save': 'Keep' }, german]
   */
  readonly texts?: readonly Texts[] | undefined;
  /** Scopes in words that people understand: `{ 'calendar.read': 'See your calendar' }`. */
  readonly scopes?: Readonly<Record<string, string>> | undefined;
}

/** An {@link Appearance} that was checked. */
export interface Look {
  readonly name: string | undefined;
  readonly logo: string | undefined;
  readonly support: string | undefined;
  readonly scopes: Readonly<Record<string, string>>;
  readonly catalogues: readonly [Texts, ...Texts[]];
  readonly style: Inline;
}

const maxLogoLength = 64 * 1024;
const plainStyle = new Inline('style', stylesheet);

export const plainLook: Look = {
  name: undefined,
  logo: undefined,
  support: undefined,
  scopes: {},
  catalogues: [english],
  style: plainStyle,
};

/**
 * @param name where the appearance gives none.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when a page cannot look or speak like that.
 */
export function lookOf(appearance: Appearance = {}, name?: string): Look {
  const { logo, support, color, texts, scopes = {} } = appearance;
  if (logo !== undefined && !isPicture(logo)) {
    throw misconfigured('logo', 'an https URL, or a "data:" URL of a picture in base64, of at most 64 KiB');
  }
  if (support !== undefined && !['https:', 'mailto:'].includes(URL.parse(support)?.protocol ?? '')) {
    throw misconfigured('support', 'an https or mailto URL');
  }
  const [first, ...others] = texts ?? [english];
  if (first === undefined) throw misconfigured('texts', 'a list of at least one catalogue');
  for (const catalogue of texts ?? []) checkTexts(catalogue);
  return {
    name: appearance.name ?? name,
    logo,
    support,
    scopes,
    catalogues: [first, ...others],
    style: color === undefined ? plainStyle : new Inline('style', `${stylesheet}${accentRules(color)}`),
  };
}

function accentRules(color: string): string {
  const parsed = parseColor(color);
  if (parsed === undefined) throw misconfigured('color', 'a color like "#2355c5"');
  const { light, dark } = readableAccents(parsed);
  return `:root{--act:${light}}@media(prefers-color-scheme:dark){:root{--act:${dark}}}`;
}

/** What a policy can name without saying more than that picture. */
function isPicture(logo: string): boolean {
  if (logo.length > maxLogoLength) return false;
  if (/^data:image\/(?:png|jpeg|gif|webp|svg\+xml);base64,[\w+/=]+$/u.test(logo)) return true;
  const url = URL.parse(logo);
  return url?.protocol === 'https:' && url.username === '' && !/[\s;,'"]/u.test(logo);
}

function misconfigured(option: string, needs: string): PosternError {
  return new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', `"appearance.${option}" must be ${needs}`);
}
