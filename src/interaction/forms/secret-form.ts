import { PosternError } from '../../core/postern-error.ts';
import type { CredentialKind } from '../credential-kind.ts';
import { dataOf, type Flow, type FlowVisit } from '../flow.ts';
import { seePage } from '../pages/pages.ts';
import {
  isSecretField,
  readFormValues,
  readStoredValues,
  type FormSchema,
  type FormValues,
  type ValuesOf,
} from '../../web/form-schema.ts';
import { isRevealed, renderForm, type SecretFormView } from '../../web/schema-form.ts';
import { html } from '../../web/html.ts';
import type { Say } from '../../web/texts/texts.ts';
import { formShape, type FormShape, type StandardFormSchema } from '../../web/standard-schema.ts';
import { FormTries, noTries, type TryOutcome } from './form-tries.ts';

export type { SecretFormView } from '../../web/schema-form.ts';

/** What trying a secret at its service has shown. Throwing means that it could not be tried just now. */
export type SecretVerdict = 'accepted' | 'rejected';

/** What a form gives: of a Standard Schema its output, of a JSON Schema a value for each field. */
export type SecretFormValues<S extends FormSchema | StandardFormSchema> =
  S extends StandardFormSchema<infer Output> ? Output : S extends FormSchema ? ValuesOf<S> : never;

export interface SecretFormOptions<C = FormValues> {
  readonly title?: string | undefined;
  /** What is asked for, and why, for the person; from the resource. */
  readonly message?: ((resource: string) => string) | undefined;
  /** Tries the values at their service before they are kept. */
  readonly test?:
    | ((
        values: C,
        options: { readonly resource: string; readonly signal: AbortSignal },
      ) => Promise<SecretVerdict>)
    | undefined;
  /** How long that may take. Default 10,000 ms. */
  readonly testTimeoutMs?: number | undefined;
  /** How often values may be tried through one link. Default 10. */
  readonly maxTries?: number | undefined;
  readonly ttlMs?: number | undefined;
  /** A page of one's own in place of ours. Its form posts `form-token`, the fields, and `form-action` `save` or `decline`, to the same address. */
  readonly render?: ((form: SecretFormView) => Response | Promise<Response>) | undefined;
}

/**
 * A form on a page of ours, for what must not pass the model: a password, an API key.
 *
 * What is entered is tried before it is kept, and never shown again. Text is kept as it was entered, to the byte, up to
 * 16,384 characters a field and 64 KiB in all; what is longer is refused.
 *
 * The fields come from a flat JSON Schema, or from a Standard Schema that says its own. Its checks are made at once, on
 * the page; its output is what the credential is, read anew from what was entered each time.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the schema has what no form can ask for.
 *
 * @example
 * ```ts
 * const login = oob.flow('login', secretForm(z.object({ user: z.string(), password: z.string().meta({ writeOnly: true }) })));
 * const { password } = await context.credential({ resource: 'prod', flow: login });   // a string
 * ```
 */
export function secretForm<const S extends FormSchema | StandardFormSchema>(
  given: S,
  options: SecretFormOptions<SecretFormValues<S>> = {},
): Flow<SecretFormValues<S>, FormValues> {
  const shape = formShape(given) as FormShape<SecretFormValues<S>>;
  const schema = shape.fields;
  const { maxTries = 10, testTimeoutMs = 10_000 } = options;
  const tries = new FormTries({ maxTries, patienceMs: testTimeoutMs + 5_000 });
  const messageFor = (resource: string, say: Say): string =>
    options.message?.(resource) ?? say('form.message', { resource });

  const show = async (visit: FlowVisit, view: Partial<SecretFormView> = {}): Promise<Response> => {
    const { resource } = dataOf(visit.pending).request;
    const { pages } = visit;
    const { say, name } = pages;
    const whole: SecretFormView = {
      resource,
      schema,
      formToken: visit.formToken,
      values: prefillOf(visit, schema),
      problems: {},
      problem: undefined,
      status: 200,
      facts: pages.facts(),
      ...view,
    };
    if (options.render !== undefined) return options.render(whole);
    const title = options.title ?? say('form.title');
    return pages.form(whole.status, {
      title: whole.status === 200 ? title : say('form.titleNotSaved', { title }),
      text: messageFor(resource, say),
      body: html`<p class="dim">${say('form.kept', { name, resource })}</p>
        ${renderForm(whole, say)}`,
      reveals: Object.values(schema.properties).some(isRevealed),
    });
  };

  const receive = async (visit: FlowVisit): Promise<Response> => {
    const form = await visit.readForm();
    if (form.get('form-action') === 'decline') {
      await visit.fail('ERR_POSTERN_AUTH_DENIED');
      return seePage(visit.pageUrl);
    }
    const { values, problems } = readFormValues(schema, form, visit.pages.say);
    const shown = withoutSecrets(schema, values);
    if (Object.keys(problems).length > 0) return show(visit, { values: shown, problems, status: 422 });
    const read = shape.read(values);
    if ('problems' in read) {
      const { '': problem, ...ofFields } = read.problems;
      return show(visit, { values: shown, problems: ofFields, problem, status: 422 });
    }
    if (options.test === undefined) return visit.finish(values);
    let kept: Response | undefined;
    const outcome = await tries.outcomeOf(form, visit, {
      attempt: () => tryOut(read.value, dataOf(visit.pending).request.resource, options),
      finish: async () => void (kept = await visit.finish(values)),
    });
    switch (outcome) {
      case 'accepted':
        if (kept !== undefined) return kept;
        // The ladder tells a form that is sent again how the interaction has ended.
        throw new PosternError('ERR_POSTERN_PENDING_ALREADY_FINISHED', 'the same form was kept before');
      case 'too many':
        await visit.fail('ERR_POSTERN_OOB_SECRET_REJECTED');
        return visit.pages.failure('ERR_POSTERN_OOB_SECRET_REJECTED');
      default:
        return show(visit, { values: shown, ...problemOf(outcome, testTimeoutMs, visit.pages.say) });
    }
  };

  return {
    kind: 'secret_form',
    credential: formValues(shape),
    widens: true,

    async begin({ resource, details = {}, say }) {
      assertNoSecrets(schema, details);
      return { data: noTries, message: messageFor(resource, say), ttlMs: options.ttlMs };
    },

    async visit(visit) {
      if (visit.rest !== '') return visit.pages.failure('ERR_POSTERN_PENDING_NOT_FOUND');
      if (visit.request.method !== 'GET') return receive(visit);
      const { searchParams } = new URL(visit.request.url);
      const isForm = [...searchParams.keys()].some(
        (name) => name === 'form-token' || Object.hasOwn(schema.properties, name),
      );
      // A form in a query is in histories and logs by now. It is not looked at.
      return isForm ? visit.pages.exposed(visit.pageUrl) : show(visit);
    },
  };
}

/** The life of what was entered into a form: good until somebody says otherwise. */
function formValues<C>(shape: FormShape<C>): CredentialKind<C, FormValues> {
  return {
    name: 'form_values',
    read: (stored) => {
      const values = readStoredValues(shape.fields, stored);
      const made = values && shape.read(values);
      return made && 'value' in made ? made.value : undefined;
    },
  };
}

async function tryOut<C>(
  values: C,
  resource: string,
  { test, testTimeoutMs = 10_000 }: SecretFormOptions<C>,
): Promise<TryOutcome> {
  if (test === undefined) return 'accepted';
  const timeout = new AbortController();
  const late = new Promise<'late'>((resolve) => {
    timeout.signal.addEventListener('abort', () => resolve('late'), { once: true });
  });
  const timer = setTimeout(
    () => timeout.abort(new DOMException('The test took too long', 'TimeoutError')),
    testTimeoutMs,
  );
  try {
    const verdict = await Promise.race([test(values, { resource, signal: timeout.signal }), late]);
    return verdict === 'accepted' || verdict === 'late' ? verdict : 'rejected';
  } catch {
    // What the service said may quote the secret: it goes nowhere.
    return timeout.signal.aborted ? 'late' : 'untried';
  } finally {
    clearTimeout(timer);
  }
}

function problemOf(
  outcome: Exclude<TryOutcome, 'accepted'>,
  testTimeoutMs: number,
  say: Say,
): { problem: string; status: number } {
  switch (outcome) {
    case 'late':
      return {
        problem: say('form.late', { seconds: testTimeoutMs / 1000 }),
        status: 504,
      };
    case 'untried':
      return { problem: say('form.untried'), status: 503 };
    case 'rejected':
      return { problem: say('form.rejected'), status: 422 };
  }
}

function prefillOf(visit: FlowVisit, schema: FormSchema): FormValues {
  const { details = {} } = dataOf(visit.pending).request;
  const defaults = Object.entries(schema.properties).flatMap(([name, field]) =>
    field.default === undefined ? [] : [[name, field.default] as const],
  );
  return withoutSecrets(schema, { ...Object.fromEntries(defaults), ...details });
}

function withoutSecrets(schema: FormSchema, values: FormValues): FormValues {
  return Object.fromEntries(
    Object.entries(values).filter(([name]) => {
      const field = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
      return field !== undefined && !isSecretField(field);
    }),
  );
}

/** Refuses values of secret fields among what a client has sent: those come from the page alone. @throws {PosternError} ERR_POSTERN_OOB_FORM_REFUSED */
export function assertNoSecrets(schema: FormSchema, details: Readonly<Record<string, unknown>>): void {
  const secret = Object.keys(details).find((name) => {
    const field = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    return field !== undefined && isSecretField(field);
  });
  if (secret === undefined) return;
  throw new PosternError(
    'ERR_POSTERN_OOB_FORM_REFUSED',
    `the secret ${JSON.stringify(secret)} must not pass the client`,
    {
      hint: 'Leave it out: the person enters it on a page.',
    },
  );
}
