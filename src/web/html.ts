/** Markup that is safe to send. Made only by {@link html}, which escapes every value put into it. */
export class Html {
  readonly #markup: string;

  constructor(markup: string) {
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

/** What can be put into markup. Nothing shows for what is absent or false. */
export type HtmlValue = string | number | boolean | null | undefined | Html | readonly HtmlValue[];

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

// Directional and invisible controls could make a page read differently from what it says.
const unprintable =
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]/gu;

function escape(value: string): string {
  return value
    .replaceAll(unprintable, '\uFFFD')
    .replaceAll(/[&<>"']/gu, (character) => entities[character] ?? '');
}

function isList(value: HtmlValue): value is readonly HtmlValue[] {
  return Array.isArray(value);
}

/** Escapes whatever is put in, in text and in quoted attributes; nested `html` is kept, arrays are joined. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  const render = (value: HtmlValue): string => {
    if (value === undefined || value === null || value === false) return '';
    if (value instanceof Html) return value.toString();
    return isList(value) ? value.map(render).join('') : escape(String(value));
  };
  return new Html(
    parts.map((part, index) => part + (index < values.length ? render(values[index]) : '')).join(''),
  );
}
