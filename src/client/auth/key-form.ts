import type { CredentialKind } from '../../interaction/credential-kind.ts';
import type { Flow } from '../../interaction/flow.ts';
import { readStoredValues, type FormSchema, type FormValues } from '../../web/form-schema.ts';

const schema: FormSchema = {
  type: 'object',
  properties: {
    key: {
      type: 'string',
      title: 'API key',
      format: 'header',
      writeOnly: true,
      minLength: 1,
      maxLength: 4_096,
    },
  },
  required: ['key'],
};

/** A key as it was entered: good until its server says otherwise. */
export const keyKind: CredentialKind<FormValues> = {
  name: 'form_values',
  read: (stored) => readStoredValues(schema, stored),
};

/** The form for an API key. Loaded when one is asked for, or a page of it is opened. */
export async function keyForm(): Promise<Flow<FormValues>> {
  const { secretForm } = await import('../../interaction/forms/secret-form.ts');
  return secretForm(schema, {
    title: 'API key',
    message: (resource) => `Enter your API key for ${resource}`,
  });
}
