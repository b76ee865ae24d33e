import { english } from './texts/english.ts';
import { speak } from './texts/texts.ts';
import { expect, test } from 'vitest';
import type { FormSchema } from './form-schema.ts';
import { checkFormSchema } from './form-schema.ts';
import { renderForm } from './schema-form.ts';

function rendered(properties: FormSchema['properties']): string {
  const view = {
    resource: 'prod',
    formToken: 't',
    values: {},
    problems: {},
    problem: undefined,
    status: 200,
    facts: [],
  };
  return renderForm({ ...view, schema: { type: 'object', properties } }, speak(english)).toString();
}

test('a field that names its autofill token is offered to a password manager, and no other field is', () => {
  const page = rendered({
    user: { type: 'string', autocomplete: 'username' },
    password: { type: 'string', writeOnly: true, autocomplete: 'current-password' },
    note: { type: 'string' },
  });
  expect(page).not.toMatch(/<form[^>]*autocomplete/u);
  expect(page).toMatch(/name="user"[^>]*autocomplete="username"/u);
  expect(page).toMatch(/name="password"[^>]*autocomplete="current-password"/u);
  expect(page).toMatch(/name="note"[^>]*autocomplete="off"/u);
});

test('an autofill token that browsers do not know is refused when the form is made', () => {
  const properties = {
    user: { type: 'string', autocomplete: 'user' },
  } as unknown as FormSchema['properties'];
  expect(() => checkFormSchema({ type: 'object', properties })).toThrow(/autocomplete/u);
});
