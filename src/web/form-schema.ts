import { isHeaderValue } from '../core/header-value.ts';
import { PosternError } from '../core/postern-error.ts';
import type { Say } from './texts/texts.ts';

/** One field of a form: a flat subset of JSON Schema. `writeOnly`, or the format `password`, makes it a secret. */
export interface FormField {
  readonly type: 'string' | 'integer' | 'number' | 'boolean';
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  /**
   * `multiline` is a text of several lines, such as a key in PEM; its line ends are kept as `\n`. `header` is a text that
   * is sent in a header of HTTP, such as an API key.
   */
  readonly format?: 'password' | 'multiline' | 'header' | (string & {}) | undefined;
  readonly writeOnly?: boolean | undefined;
  /** What a password manager may fill in here. Default: nothing. See HTML §4.10.18.7 (autofill). */
  readonly autocomplete?: 'username' | 'email' | 'current-password' | 'one-time-code' | 'url' | undefined;
  readonly default?: string | number | boolean | undefined;
  readonly enum?: readonly string[] | undefined;
  /** In UTF-16 code units. */
  readonly minLength?: number | undefined;
  /** In UTF-16 code units; 16,384 at most, which is the default. */
  readonly maxLength?: number | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
}

/** The fields of a form. */
export interface FormSchema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, FormField>>;
  readonly required?: readonly string[] | undefined;
}

export type FormValues = Readonly<Record<string, string | number | boolean>>;

type ValueOf<F extends FormField> = F extends { readonly enum: readonly (infer Option)[] }
  ? Option
  : F['type'] extends 'string'
    ? string
    : F['type'] extends 'boolean'
      ? boolean
      : F['type'] extends 'integer' | 'number'
        ? number
        : string | number | boolean;

/** Fields that are always there: required ones, and those that are ticked or not. */
type Present<S extends FormSchema> = {
  [Name in keyof S['properties']]: S['properties'][Name]['type'] extends 'boolean'
    ? Name
    : Name extends NonNullable<S['required']>[number]
      ? Name
      : never;
}[keyof S['properties']];

/** What a form of this schema gives. */
export type ValuesOf<S extends FormSchema> = string extends keyof S['properties']
  ? FormValues
  : {
      readonly [Name in Present<S>]: ValueOf<S['properties'][Name]>;
    } & {
      readonly [Name in Exclude<keyof S['properties'], Present<S>>]?: ValueOf<S['properties'][Name]>;
    };

const maxTextLength = 16_384;
const fieldTypes: ReadonlySet<string> = new Set(['string', 'integer', 'number', 'boolean']);
const autofillTokens: ReadonlySet<string> = new Set([
  'username',
  'email',
  'current-password',
  'one-time-code',
  'url',
]);
/** The form's own fields. */
const taken: ReadonlySet<string> = new Set(['form-token', 'form-action']);

export function isSecretField(field: FormField): boolean {
  return field.writeOnly === true || field.format === 'password';
}

/**
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when a form has no fields, or one of a name or type that it
 * cannot have, or a secret with a default.
 */
export function checkFormSchema(schema: FormSchema): void {
  const fields = Object.entries(schema?.properties ?? {});
  if (schema?.type !== 'object' || fields.length === 0)
    throw misconfigured('an object schema with at least one field');
  for (const [name, field] of fields) {
    const isName = /^[a-z][\w-]{0,63}$/iu.test(name) && !taken.has(name) && !(name in {});
    if (!isName) throw misconfigured(`other names than ${JSON.stringify(name)}`);
    if (!fieldTypes.has(field.type))
      throw misconfigured(`${JSON.stringify(name)} to be text, a number or a boolean`);
    if (field.autocomplete !== undefined && !autofillTokens.has(field.autocomplete)) {
      throw misconfigured(`${JSON.stringify(name)} to have an "autocomplete" that browsers know, or none`);
    }
    if (field.enum !== undefined && (field.type !== 'string' || isSecretField(field))) {
      throw misconfigured(`${JSON.stringify(name)} to be plain text, since it has a list of values`);
    }
    if (isSecretField(field) && (field.default !== undefined || field.type === 'boolean')) {
      throw misconfigured(`the secret ${JSON.stringify(name)} to be text or a number, without a default`);
    }
  }
  const missing = (schema.required ?? []).find((name) => !Object.hasOwn(schema.properties, name));
  if (missing !== undefined) throw misconfigured(`a field ${JSON.stringify(missing)}, since it is required`);
}

/** The values of a form that was sent in, as they were entered, or what is wrong with each field, in words for the person. */
export function readFormValues(
  schema: FormSchema,
  form: URLSearchParams,
  say: Say,
): { values: FormValues; problems: Readonly<Record<string, string>> } {
  const values: Record<string, string | number | boolean> = {};
  const problems: Record<string, string> = {};
  for (const [name, field] of Object.entries(schema.properties)) {
    const text = form.get(name);
    if (field.type === 'boolean') {
      values[name] = text !== null;
      continue;
    }
    if (text === null || text === '') {
      if (schema.required?.includes(name) === true) problems[name] = say('field.needed');
      continue;
    }
    const { value, problem } =
      field.type === 'string' ? readText(field, text, say) : readNumber(field, text, say);
    if (problem !== undefined) problems[name] = problem;
    else values[name] = value;
  }
  return { values, problems };
}

/** What was kept of an earlier form, if it still answers the schema. */
export function readStoredValues(schema: FormSchema, stored: unknown): FormValues | undefined {
  if (typeof stored !== 'object' || stored === null) return undefined;
  const values = stored as FormValues;
  const fits = Object.entries(schema.properties).every(([name, { type, format }]) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) return schema.required?.includes(name) !== true;
    if (format === 'header' && !isHeaderValue(String(value))) return false;
    return typeof value === (type === 'integer' ? 'number' : type);
  });
  return fits ? values : undefined;
}

type Read = { value: string | number; problem?: undefined } | { value?: undefined; problem: string };

function readText(field: FormField, sent: string, say: Say): Read {
  const { enum: options, minLength = 0 } = field;
  const maxLength = Math.min(field.maxLength ?? maxTextLength, maxTextLength);
  // A browser sends every line end of a text area as CR LF, whatever was typed or pasted.
  const text = field.format === 'multiline' ? sent.replaceAll('\r\n', '\n') : sent;
  if (field.format !== 'multiline' && /[\r\n]/u.test(text)) return { problem: say('field.oneLine') };
  if (hasControls(text)) return { problem: say('field.controls') };
  if (field.format === 'header' && !isHeaderValue(text)) return { problem: say('field.header') };
  if (options !== undefined && !options.includes(text)) return { problem: say('field.choose') };
  if (text.length < minLength) return { problem: say('field.minLength', { limit: minLength }) };
  if (text.length > maxLength) return { problem: say('field.maxLength', { limit: maxLength }) };
  return { value: text };
}

/** Control characters, but for those that white space is made of. */
function hasControls(text: string): boolean {
  return /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/u.test(text);
}

function readNumber(field: FormField, text: string, say: Say): Read {
  const value = /^[+-]?\d{1,15}(?:\.\d{1,15})?$/u.test(text.trim()) ? Number(text) : Number.NaN;
  if (Number.isNaN(value) || (field.type === 'integer' && !Number.isInteger(value))) {
    return { problem: say(field.type === 'integer' ? 'field.integer' : 'field.number') };
  }
  if (field.minimum !== undefined && value < field.minimum)
    return { problem: say('field.minimum', { limit: field.minimum }) };
  if (field.maximum !== undefined && value > field.maximum)
    return { problem: say('field.maximum', { limit: field.maximum }) };
  return { value };
}

function misconfigured(needs: string): PosternError {
  return new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', `a secret form needs ${needs}`);
}
