import { Html } from './html.ts';

/** A style or script of ours that stands in the page itself: constant, not escaped, and named in the policy by its hash. */
export class Inline {
  readonly element: Html;
  readonly text: string;
  #source: Promise<string> | undefined;

  constructor(tag: 'style' | 'script', text: string) {
    this.text = text;
    // Not part of a page's template: a formatter may put spaces into that, and the hash would be another.
    this.element = new Html(`<${tag}>${text}</${tag}>`);
  }

  /** As the policy names it. */
  source(): Promise<string> {
    this.#source ??= crypto.subtle
      .digest('SHA-256', new TextEncoder().encode(this.text))
      .then((digest) => `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`);
    return this.#source;
  }
}
