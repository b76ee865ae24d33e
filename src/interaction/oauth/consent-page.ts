import { html, type Html } from '../../web/html.ts';
import type { FlowVisit } from '../flow.ts';
import type { PasteProblem } from '../ladder/pasted-address.ts';
import { codeBlock } from '../pages/code-block.ts';
import { formPage } from '../pages/pages.ts';

/** What went wrong on the page a moment ago. Nothing has changed for it. */
export interface ConsentProblem {
  readonly pasted?: PasteProblem | undefined;
  /** A code could not be had, or led nowhere. */
  readonly code?: boolean | undefined;
}

export interface ConsentContent {
  readonly title: string;
  readonly text: string;
  readonly scopes: readonly string[];
  /** Whether a button leads on; without it a code is the only way. Default true. */
  readonly redirects?: boolean | undefined;
  readonly problem?: ConsentProblem | undefined;
  /** The way by a code: that it can be had, or the code itself. Default: there is no such way. */
  readonly code?: 'to be had' | { readonly userCode: string; readonly verificationUri: string } | undefined;
}

const pasteProblems: Readonly<Record<PasteProblem, string>> = {
  unreadable:
    'That is not the whole address. Copy all of it from your browser: it has “state=” in it, and “code=”.',
  'too early':
    'That is the address of the page where you sign in. Consent there first; then copy the address that your browser goes to.',
  foreign:
    'That address belongs to another sign-in, or to an older link. Press Continue here, and paste what comes of that.',
  'of another browser':
    'You were sent out from another browser. Paste the address there, or press Continue here and start again.',
  used: 'That address was used before, and nothing came of it. Press Continue, and paste what comes of that.',
};

/** The page before the journey: where it goes, what for, the other ways there are, and a way out. */
export function consentPage(visit: FlowVisit, content: ConsentContent): Promise<Response> {
  const { title, text, scopes, redirects = true, code, problem = {} } = content;
  const { pasted } = problem;
  const shown = typeof code === 'object' ? code : undefined;
  const body: Html = html`${scopes.length > 0 && html`<p class="dim">Asked for: ${scopes.join(', ')}</p>`}
    ${pasted !== undefined && html`<p class="wrong" role="alert">${pasteProblems[pasted]}</p>`}
    ${
      problem.code === true &&
      html`<p class="wrong" role="alert">
        The way by a code did not work. Nothing was saved. Try it again${redirects && ', or press Continue'}.
      </p>`
    }
    ${shown && codeBlock(shown, visit.pageUrl)}
    <form method="post">
      <input type="hidden" name="form-token" value="${visit.formToken}" />
      <div class="row">
        ${redirects && continueButton(shown !== undefined)}
        ${!redirects && shown === undefined && html`<button name="form-action" value="code">Get a code</button>`}
        <button name="form-action" value="decline" class="quiet">Decline</button>
      </div>
    </form>
    ${redirects && code === 'to be had' && codeForm(visit)}
    ${redirects && pasteForm(visit, pasted !== undefined)}`;
  return formPage(pasted === undefined && problem.code !== true ? 200 : 422, {
    title,
    text,
    body,
    watch: shown && visit.statusUrl,
  });
}

function continueButton(isQuiet: boolean): Html {
  return html`<button name="form-action" value="continue" ${isQuiet && html` class="quiet"`}>
    ${isQuiet ? 'Continue in this browser' : 'Continue'}
  </button>`;
}

function codeForm({ formToken }: FlowVisit): Html {
  return html`<details>
    <summary>Use another device</summary>
    <p>You get a short code, and enter it at the service from any device.</p>
    <form method="post">
      <input type="hidden" name="form-token" value="${formToken}" />
      <div class="row"><button name="form-action" value="code" class="quiet">Get a code</button></div>
    </form>
  </details>`;
}

function pasteForm({ formToken }: FlowVisit, isOpen: boolean): Html {
  return html`<details${isOpen && html` open`}>
    <summary>My browser cannot come back here</summary>
    <p>Press Continue and consent. If your browser then shows an error, copy the whole address it shows, come back to this page, and paste it here. Paste it nowhere else.</p>
    <form method="post">
      <input type="hidden" name="form-token" value="${formToken}" />
      <label for="pasted">The address it shows</label>
      <input id="pasted" name="pasted-address" type="text" inputmode="url" autocomplete="off" autocapitalize="none" spellcheck="false" required />
      <div class="row"><button name="form-action" value="paste" class="quiet">Finish with it</button></div>
    </form>
  </details>`;
}
