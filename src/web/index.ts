/** What our pages say and how they look, for whoever gives them other words or another language. */
export { english } from './texts/english.ts';
export { german } from './texts/german.ts';
export type { TextKey, Texts } from './texts/texts.ts';
export type { Appearance } from './look.ts';
export type { PageFact } from './page.ts';
export type { Person, VerifyUser } from './verify-user.ts';
