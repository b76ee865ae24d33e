import { errorCodes, type PosternErrorCode } from '../../core/error-codes.ts';
import { errorOfEnd, type PendingKind, type PendingStatus } from '../../pending/pending.ts';
import { html, type Html } from '../../web/html.ts';
import { plainLook, type Look } from '../../web/look.ts';
import { page, type PageContent, type PageFact, type PageOptions } from '../../web/page.ts';
import { english } from '../../web/texts/english.ts';
import { chooseTexts, speak, type Say, type TextKey, type Texts } from '../../web/texts/texts.ts';
import { factsOf, type FactDetails, type Subject } from './facts.ts';

interface FailureOptions {
  /** Leads to the page of the link. */
  readonly retry?: string | undefined;
  /** Where the person came from: of an interaction that has ended. */
  readonly back?: string | undefined;
  /** Another than the code's own. */
  readonly status?: number | undefined;
  /** Nothing introduces the application anew: a person can only wait until somebody has mended that. */
  readonly isRegisteredByHand?: boolean | undefined;
}

/** An interaction that has ended. */
export interface PageEnd {
  readonly kind?: PendingKind | undefined;
  readonly status: PendingStatus;
  readonly failure?: PosternErrorCode | undefined;
  readonly returnTo?: string | undefined;
}

/** What a flow puts on its page. */
export interface FormContent {
  readonly title: string;
  readonly text: string;
  readonly body: Html;
  /** In place of what is said of an interaction. */
  readonly facts?: readonly PageFact[] | undefined;
  /** What access is to, where the interaction's own name for it is not for people. */
  readonly access?: string | undefined;
  /** Where the next step leads. */
  readonly goesTo?: string | undefined;
  /** See {@link PageContent.watch}. */
  readonly watch?: string | undefined;
  /** A secret is entered, which its person may want to see. */
  readonly reveals?: boolean | undefined;
  /** See {@link PageContent.code}. */
  readonly code?: PosternErrorCode | undefined;
}

/** What is final where it ends an interaction, and yet may go better the next time in one that goes on. */
const goesOn: ReadonlySet<PosternErrorCode> = new Set([
  'ERR_POSTERN_OAUTH_CLIENT_REJECTED',
  'ERR_POSTERN_OAUTH_REQUEST_REFUSED',
]);

/** The pages that one browser is shown: in its language, looking like whoever runs them, about one interaction. */
export class Pages {
  readonly look: Look;
  readonly texts: Texts;
  readonly say: Say;
  readonly #inboxUrl: string | undefined;
  readonly #subject: Subject | undefined;

  /** @param inboxUrl where people see what else waits for them. */
  constructor(look: Look = plainLook, texts: Texts = english, inboxUrl?: string, subject?: Subject) {
    this.look = look;
    this.texts = texts;
    this.say = speak(texts);
    this.#inboxUrl = inboxUrl;
    this.#subject = subject;
  }

  /** For whoever has sent a request. */
  static for(look: Look, { headers }: Request, inboxUrl?: string): Pages {
    return new Pages(look, chooseTexts(look.catalogues, headers.get('accept-language')), inboxUrl);
  }

  /** The same, about one interaction. */
  about(subject: Subject): Pages {
    return new Pages(this.look, this.texts, this.#inboxUrl, subject);
  }

  /** Who is called what on the pages. */
  get name(): string {
    return this.look.name ?? this.say('facts.thisProgram');
  }

  /** Who asks, for whom, for what, until when; nothing where there is no interaction. */
  facts(at: FactDetails = {}): PageFact[] {
    return this.#subject === undefined ? [] : factsOf(this.#subject, this, at);
  }

  failure(
    code: PosternErrorCode,
    { retry, back, status = errorCodes[code].http, isRegisteredByHand = false }: FailureOptions = {},
  ): Promise<Response> {
    const about =
      retry !== undefined && !isRegisteredByHand && goesOn.has(code) ? 'failure.introducedAnew' : code;
    const title = this.#find(`${about}.title`) ?? this.say('failure.title');
    const text = this.#find(`${about}.text`) ?? this.say('failure.text');
    const action =
      retry === undefined ? this.#wayBack(back) : { href: retry, label: this.say('action.retry') };
    return this.#page(status, { tone: 'bad', title, text, code, action });
  }

  /** The page of an interaction that has ended, however often it is opened. */
  end(end: PageEnd): Promise<Response> {
    const code = errorOfEnd(end)?.code;
    if (code !== undefined) return this.failure(code, { back: end.returnTo });
    const isSignIn = end.kind === 'oauth_redirect' || end.kind === 'device_code';
    const title = this.say(isSignIn ? 'end.signedIn' : 'end.done');
    const action = this.#wayBack(end.returnTo);
    const body =
      this.#inboxUrl === undefined
        ? undefined
        : html`<p class="dim"><a href="${this.#inboxUrl}">${this.say('action.inbox')}</a></p>`;
    return this.#page(200, { tone: 'good', title, text: this.say('end.text'), action, body });
  }

  /** Something is done that is no interaction. */
  done(title: string, text: string): Promise<Response> {
    return this.#page(200, { tone: 'good', title, text });
  }

  /** What came after the end: a form that was not used, or an answer that had been taken already. The person is told so. */
  alreadyDone(
    code:
      | 'ERR_POSTERN_PENDING_ALREADY_FINISHED'
      | 'ERR_POSTERN_AUTH_STATE_USED' = 'ERR_POSTERN_PENDING_ALREADY_FINISHED',
  ): Promise<Response> {
    if (code === 'ERR_POSTERN_PENDING_ALREADY_FINISHED') return this.failure(code);
    const title = this.say('end.usedTitle');
    return this.#page(errorCodes[code].http, { tone: 'plain', title, text: this.say('end.usedText'), code });
  }

  /** A page of a flow that another process of this machine, or of this deployment, carries on. Nothing is consumed. */
  elsewhere(): Promise<Response> {
    const title = this.say('elsewhere.title');
    return this.#page(503, { tone: 'plain', title, text: this.say('elsewhere.text') });
  }

  missing(): Promise<Response> {
    return this.#page(404, {
      tone: 'plain',
      title: this.say('missing.title'),
      text: this.say('missing.text'),
    });
  }

  /** Something was sent by who is nobody here: it is gone. */
  signInAgain(href: string): Promise<Response> {
    return this.#page(errorCodes.ERR_POSTERN_AUTH_REQUIRED.http, {
      tone: 'bad',
      title: this.say('signIn.againTitle'),
      text: this.say('signIn.againText'),
      action: { href, label: this.say('action.signIn') },
    });
  }

  /** Something broke that has no code. */
  broken(): Promise<Response> {
    return this.#page(500, { tone: 'bad', title: this.say('broken.title'), text: this.say('broken.text') });
  }

  /** What was sent in is not looked at: it came in the address. */
  exposed(pageUrl: string): Promise<Response> {
    const content: PageContent = {
      tone: 'bad',
      title: this.say('form.exposedTitle'),
      text: this.say('form.exposedText'),
      action: { href: pageUrl, label: this.say('action.openForm') },
    };
    return this.#page(405, content, { headers: { allow: 'POST' } });
  }

  /** A page with a form of its own on it. */
  form(status: number, { goesTo, access, reveals = false, ...content }: FormContent): Promise<Response> {
    const script = content.watch === undefined ? (reveals ? 'reveal' : undefined) : 'watch';
    const { facts = this.facts({ goesTo, access }) } = content;
    return this.#page(status, { tone: 'plain', ...content, facts }, { forms: true, script });
  }

  /**
   * Sends the browser to another site after a form.
   *
   * A page in between: a browser holds the redirects after a form, whole chains of them, to the form's own policy.
   */
  departure(url: string): Promise<Response> {
    const { host } = new URL(url);
    return this.#page(200, {
      tone: 'plain',
      title: this.say('departure.title'),
      text: this.say('departure.text', { host }),
      action: { href: url, label: this.say('action.goOn', { host }) },
      goesOn: true,
    });
  }

  /** A code that the person enters elsewhere, and where. On a page that watches for the end. */
  code(
    { userCode, verificationUri }: { readonly userCode: string; readonly verificationUri: string },
    pageUrl: string,
  ): Html {
    const { say } = this;
    const { host } = new URL(verificationUri);
    return html`<p><span class="dim">${say('code.label')}</span> <strong class="code">${userCode}</strong></p>
      <div class="row">
        <button
          type="button"
          class="quiet"
          hidden
          data-copy="${userCode}"
          data-copied="${say('code.copied')}"
        >
          ${say('action.copyCode')}
        </button>
      </div>
      <p role="status" class="dim"></p>
      <p>
        <a class="act" href="${verificationUri}" rel="noreferrer" target="_blank"
          >${say('action.open', { host })}</a
        >
      </p>
      <p class="dim">${say('code.notices')} <a href="${pageUrl}">${say('action.lookNow')}</a></p>`;
  }

  #page(status: number, content: PageContent, options: PageOptions = {}): Promise<Response> {
    return page(status, content, { ...options, look: this.look, texts: this.texts });
  }

  #wayBack(href: string | undefined): PageContent['action'] {
    return href === undefined ? undefined : { href, label: this.say('action.back') };
  }

  /** What is said of a code in particular, if anything. */
  #find(key: string): string | undefined {
    return Object.hasOwn(this.texts, key) ? this.texts[key as TextKey] : undefined;
  }
}

/** Sends the browser back to the page of a link, so that neither a form nor a code stays in its history. */
export function seePage(url: string): Response {
  return new Response(null, {
    status: 303,
    headers: { location: url, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' },
  });
}
