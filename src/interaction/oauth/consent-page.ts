import { html, type Html } from '../../web/html.ts';
import type { FlowVisit } from '../flow.ts';
import type { PasteProblem } from '../ladder/pasted-address.ts';
import type { Say } from '../../web/texts/texts.ts';

/** What went wrong on the page a moment ago. Nothing has changed for it. */
export interface ConsentProblem {
  readonly pasted?: PasteProblem | undefined;
  /** A code could not be had, or led nowhere. */
  readonly code?: boolean | undefined;
}

export interface ConsentContent {
  readonly title: string;
  readonly text: string;
  /** Where the person consents. */
  readonly host: string;
  /** Whether a button leads on; without it a code is the only way. Default true. */
  readonly redirects?: boolean | undefined;
  readonly problem?: ConsentProblem | undefined;
  /** The way by a code: that it can be had, or the code itself. Default: there is no such way. */
  readonly code?: 'to be had' | { readonly userCode: string; readonly verificationUri: string } | undefined;
}

/** The page before the journey: where it goes, what for, the other ways there are, and a way out. */
export function consentPage(visit: FlowVisit, content: ConsentContent): Promise<Response> {
  const { title, text, host, redirects = true, code, problem = {} } = content;
  const { pages } = visit;
  const { say, name } = pages;
  const { pasted } = problem;
  const shown = typeof code === 'object' ? code : undefined;
  const body: Html = html`<p class="dim">${say('consent.kept', { host, name })}</p>
    ${pasted !== undefined && html`<p class="wrong" role="alert">${say(`paste.${pasted}`)}</p>`}
    ${
      problem.code === true &&
      html`<p class="wrong" role="alert">
        ${say(redirects ? 'consent.codeFailedOr' : 'consent.codeFailed')}
      </p>`
    }
    ${shown && pages.code(shown, visit.pageUrl)}
    <form method="post">
      <input type="hidden" name="form-token" value="${visit.formToken}" />
      <div class="row">
        ${redirects && continueButton(say, shown !== undefined)}
        ${!redirects && shown === undefined && html`<button name="form-action" value="code">${say('action.getCode')}</button>`}
        <button name="form-action" value="decline" class="quiet">${say('action.decline')}</button>
      </div>
    </form>
    ${redirects && code === 'to be had' && codeForm(visit)}
    ${redirects && pasteForm(visit, pasted !== undefined)}`;
  return pages.form(pasted === undefined && problem.code !== true ? 200 : 422, {
    title,
    text,
    body,
    goesTo: host,
    watch: shown && visit.statusUrl,
  });
}

function continueButton(say: Say, isQuiet: boolean): Html {
  return html`<button name="form-action" value="continue" ${isQuiet && html` class="quiet"`}>
    ${say(isQuiet ? 'action.continueHere' : 'action.continue')}
  </button>`;
}

function codeForm({ formToken, pages: { say } }: FlowVisit): Html {
  return html`<details>
    <summary>${say('consent.otherDevice')}</summary>
    <p>${say('consent.otherDeviceText')}</p>
    <form method="post">
      <input type="hidden" name="form-token" value="${formToken}" />
      <div class="row">
        <button name="form-action" value="code" class="quiet">${say('action.getCode')}</button>
      </div>
    </form>
  </details>`;
}

function pasteForm({ formToken, pages: { say } }: FlowVisit, isOpen: boolean): Html {
  return html`<details${isOpen && html` open`}>
    <summary>${say('consent.noReturn')}</summary>
    <p>${say('consent.noReturnText')}</p>
    <form method="post">
      <input type="hidden" name="form-token" value="${formToken}" />
      <label for="pasted">${say('consent.pastedAddress')}</label>
      <input id="pasted" name="pasted-address" type="text" inputmode="url" autocomplete="off" autocapitalize="none" spellcheck="false" required />
      <div class="row"><button name="form-action" value="paste" class="quiet">${say('action.paste')}</button></div>
    </form>
  </details>`;
}
