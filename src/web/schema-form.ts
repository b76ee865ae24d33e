import { html, type Html } from './html.ts';
import type { PageFact } from './page.ts';
import type { Say } from './texts/texts.ts';
import { isSecretField, type FormField, type FormSchema, type FormValues } from './form-schema.ts';

/** What a page of one's own is given. Values of secret fields are never among `values`. */
export interface SecretFormView {
  readonly resource: string;
  readonly schema: FormSchema;
  readonly formToken: string;
  readonly values: FormValues;
  readonly problems: Readonly<Record<string, string>>;
  /** What is wrong with the whole, if anything: rejected, not to be tried just now, or timed out. */
  readonly problem: string | undefined;
  readonly status: number;
  /** Who asks, for whom, for what, until when. */
  readonly facts: readonly PageFact[];
}

/** The form of our own page. */
export function renderForm({ schema, formToken, values, problems, problem }: SecretFormView, say: Say): Html {
  // Where a person goes on when something is wrong. Before that, they read what is asked for.
  const first = Object.keys(schema.properties).find((name) => problems[name] !== undefined);
  const fields = Object.entries(schema.properties).map(([name, field]) =>
    renderField(name, field, {
      value: values[name],
      problem: problems[name],
      required: schema.required?.includes(name) === true,
      focused: name === first,
      say,
    }),
  );
  // A form that says `off` keeps some password managers away from fields that ask for them.
  const isFilledIn = Object.values(schema.properties).some((field) => field.autocomplete !== undefined);
  return html`<form method="post" ${!isFilledIn && html` autocomplete="off"`}>
    <input type="hidden" name="form-token" value="${formToken}" />
    ${problem !== undefined && html`<p class="wrong" role="alert">${problem}</p>`} ${fields}
    <div class="row">
      <button name="form-action" value="save">${say('action.save')}</button>
      <button name="form-action" value="decline" class="quiet" formnovalidate>
        ${say('action.decline')}
      </button>
    </div>
  </form>`;
}

interface FieldState {
  readonly value: FormValues[string] | undefined;
  readonly problem: string | undefined;
  readonly required: boolean;
  readonly focused: boolean;
  readonly say: Say;
}

function renderField(name: string, field: FormField, state: FieldState): Html {
  const { problem, required, value, say } = state;
  const id = `field-${name}`;
  const note =
    field.description !== undefined && html`<p class="dim" id="note-${name}">${field.description}</p>`;
  const wrong = problem !== undefined && html`<p class="wrong" id="wrong-${name}">${problem}</p>`;
  if (field.type === 'boolean') {
    const box = html`<input
      type="checkbox"
      name="${name}"
      value="true"
      ${value === true && html` checked`}${stateOf(name, field, state)}
    />`;
    return html`<label for="${id}">${box}${field.title ?? name}</label>${note}${wrong}`;
  }
  const label = html`<label for="${id}"
    >${field.title ?? name}${!required && html` <span class="dim">${say('form.optional')}</span>`}</label
  >`;
  return html`${label}${note}${renderControl(name, field, state)}${isRevealed(field) && revealButton(id, say)}${wrong}`;
}

/** Whether a person can have it shown that they have typed it in. Text of several lines is shown as it is entered. */
export function isRevealed(field: FormField): boolean {
  return isSecretField(field) && field.format !== 'multiline';
}

/** Shown where the page's script runs. */
function revealButton(id: string, say: Say): Html {
  const [show, hide] = [say('action.show'), say('action.hide')];
  return html`<button
    type="button"
    class="quiet reveal"
    hidden
    aria-controls="${id}"
    data-reveal="${id}"
    data-show="${show}"
    data-hide="${hide}"
  >
    ${show}
  </button>`;
}

function renderControl(name: string, field: FormField, state: FieldState): Html {
  const { required, value } = state;
  const attributes = html`${stateOf(name, field, state)}${required && html` required`}`;
  if (field.enum !== undefined) {
    const options = field.enum.map(
      (option) => html`<option${option === value && html` selected`}>${option}</option>`,
    );
    return html`<select name="${name}" ${attributes}>
      ${(!required || value === undefined) && html`<option></option>`}${options}
    </select>`;
  }
  const shown = isSecretField(field) || value === undefined ? '' : String(value);
  if (field.format === 'multiline') {
    const asTyped = html`rows="6" autocomplete="off" spellcheck="false" autocapitalize="off"`;
    // The first line end in a text area is not part of its text.
    const text = shown.startsWith('\n') ? `\n${shown}` : shown;
    return html`<textarea name="${name}" ${asTyped} ${attributes}>${text}</textarea>`;
  }
  const type = isSecretField(field) ? 'password' : field.type === 'string' ? 'text' : 'number';
  return html`<input
    type="${type}"
    name="${name}"
    value="${shown}"
    ${type === 'number' && html` step="${field.type === 'integer' ? '1' : 'any'}"`}
    autocomplete="${field.autocomplete ?? 'off'}"
    spellcheck="false"
    autocapitalize="off"
    ${attributes}
  />`;
}

/** What ties a control to its label, its notes and what is wrong with it. */
function stateOf(name: string, field: FormField, { problem, focused }: FieldState): Html {
  const notes = [
    ...(field.description === undefined ? [] : [`note-${name}`]),
    ...(problem === undefined ? [] : [`wrong-${name}`]),
  ].join(' ');
  return html` id="field-${name}"${notes !== '' && html` aria-describedby="${notes}"`}${
    problem !== undefined && html` aria-invalid="true"`
  }${focused && html` autofocus`}`;
}
