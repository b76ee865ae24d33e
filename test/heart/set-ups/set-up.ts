import type { CookieBrowser, Page } from '../../support/cookie-browser.ts';

export type SetUpName =
  | 'client deployed'
  | 'client deployed, pasted'
  | 'client at a terminal'
  | 'client at a terminal, pasted'
  | 'server deployed'
  | 'server deployed, form'
  | 'server on stdio';

/** What a person's browser is about to send last: the way back from the issuer, or a form that is filled in. */
export interface Answer {
  /** Sends it from the browser it belongs to, or from another. */
  readonly send: (from?: CookieBrowser) => Promise<Page>;
  /** The same answer with another state: none, or one, or several. */
  readonly withState: (...states: string[]) => Answer;
  readonly state: string;
  /** The callback's URL, where there is one. */
  readonly href?: string;
}

/** Whoever gives credentials out: an authorization server, or the service that a secret is for. */
export interface Issuer {
  /** How often a code or a secret was brought to it. */
  exchanges(): number;
  renewals(): number;
  /** Whether what it has given out has ended at its place, in the order it was given. */
  ended(): readonly boolean[];
  /** It answers nothing but that it is busy, until told otherwise. */
  setBusy(busy: boolean): void;
  /** Called when a code or a secret has arrived, before the answer. */
  onExchange(call: (() => void | Promise<void>) | undefined): void;
  /** Called when it is asked to renew, before the answer. */
  onRenewal(call: (() => void | Promise<void>) | undefined): void;
  /** Whether it answers when it is asked to end what it gave. */
  setRevoking(works: boolean): void;
  /** Everything it has given out is refused from now on, renewals too. */
  endAll(): void;
}

/** Two instances of one application on one store, an issuer, and people with browsers. */
export interface HeartStage {
  readonly issuer: Issuer;
  /** Time goes by, for the store and both instances. */
  advance(ms: number): void;
  /** A browser of this person, who is signed in to the application where there is one. */
  openBrowser(user: string): Promise<CookieBrowser>;
  /** Another person signs in to the application in a browser. */
  switchUser(browser: CookieBrowser, user: string): Promise<void>;
  /**
   * What a person's application has by now: `holds <whom the credential is of>`, `asks <link>`, or the code it fails with.
   * Asks the person if it has to, as any call does.
   */
  outcome(user: string, instance?: 0 | 1): Promise<string>;
  /** Goes as far as the person's answer, which is not sent. */
  prepare(browser: CookieBrowser, link: string, user: string): Promise<Answer>;
  /** The person says no. */
  decline(browser: CookieBrowser, link: string): Promise<Page>;
  /** The issuer refuses what the person brings, for good. */
  fail(browser: CookieBrowser, link: string, user: string): Promise<Page>;
  /** The credential that is kept has to be renewed before it is used again. */
  expire(): void;
  /** Logs out, or forgets. */
  end(user: string, instance?: 0 | 1): Promise<void>;
  /** Nobody wants the live interaction any more. */
  withdraw(user: string): Promise<void>;
  /** One instance answers every browser from now on, where instances share an address. */
  serve(instance: 0 | 1): void;
  /** One instance is gone, as after SIGKILL. */
  kill(instance: 0 | 1): void;
}

/** One of the ways that the heart is used. */
export interface SetUp {
  readonly name: SetUpName;
  open(): Promise<HeartStage>;
}

/** The live link of a person, asked for if there is none. */
export async function linkOf(stage: HeartStage, user: string, instance?: 0 | 1): Promise<string> {
  const outcome = await stage.outcome(user, instance);
  if (!outcome.startsWith('asks ')) throw new Error(`no link is asked for: ${outcome}`);
  return outcome.slice('asks '.length);
}

/** Has a person finish what is asked of them, in a browser of their own. */
export async function finish(stage: HeartStage, user: string, link: string): Promise<Page> {
  return (await stage.prepare(await stage.openBrowser(user), link, user)).send();
}
