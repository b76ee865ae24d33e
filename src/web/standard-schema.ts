import { PosternError } from '../core/postern-error.ts';
import { checkFormSchema, type FormSchema, type FormValues } from './form-schema.ts';

/** What a check of Standard Schema says. */
type Checked<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
      }[];
    };

/**
 * A schema of zod, valibot, arktype or any other library that speaks Standard Schema and Standard JSON Schema: the first
 * checks what was entered, the second says which fields there are. With valibot: `toStandardJsonSchema(schema)`.
 */
export interface StandardFormSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Checked<Output> | Promise<Checked<Output>>;
    readonly jsonSchema: { readonly input: (options: { readonly target: 'draft-2020-12' }) => unknown };
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** What a form asks for, and what is made of what was entered. */
export interface FormShape<C> {
  readonly fields: FormSchema;
  /** What was entered as the schema reads it, or what is wrong, by field; under `''` what is wrong with the whole. */
  read(values: FormValues): { readonly value: C } | { readonly problems: Readonly<Record<string, string>> };
}

/** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when it has what no form can ask for. */
export function formShape(schema: FormSchema | StandardFormSchema): FormShape<unknown> {
  if (!('~standard' in schema)) {
    checkFormSchema(schema);
    return { fields: schema, read: (value) => ({ value }) };
  }
  const { jsonSchema, validate } = schema['~standard'];
  if (typeof jsonSchema?.input !== 'function') {
    throw misconfigured(
      'a schema that says its JSON Schema, too',
      'With valibot: toStandardJsonSchema(schema).',
    );
  }
  const fields = jsonSchema.input({ target: 'draft-2020-12' }) as FormSchema;
  checkFormSchema(fields);
  return {
    fields,
    read(values) {
      const checked = validate(values);
      if (checked instanceof Promise) {
        throw misconfigured('a schema that answers at once', 'Try the values at their service in `test`.');
      }
      if (checked.issues === undefined) return { value: checked.value };
      const problems = new Map<string, string>();
      for (const { path = [], message } of checked.issues) {
        const [first = ''] = path;
        const name = String(typeof first === 'object' ? first.key : first);
        const field = Object.hasOwn(fields.properties, name) ? name : '';
        if (!problems.has(field)) problems.set(field, message);
      }
      return { problems: Object.fromEntries(problems) };
    },
  };
}

function misconfigured(needs: string, hint: string): PosternError {
  return new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', `a secret form needs ${needs}`, { hint });
}
