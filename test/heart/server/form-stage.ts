import { findPosternError } from '../../../src/index.ts';
import {
  secretForm,
  type FormValues,
  type NamedFlow,
  type SecretFormOptions,
} from '../../../src/oob/index.ts';
import type { FlowStage } from '../../support/flow-stage.ts';
import type { CookieBrowser, Page } from '../../support/cookie-browser.ts';

const schema = {
  type: 'object',
  properties: { password: { type: 'string', title: 'Password', writeOnly: true } },
  required: ['password'],
} as const;

/** A form that asks for a password, under the same name in every process of the stage. */
export function passwordFlow(stage: FlowStage, options: SecretFormOptions = {}): NamedFlow<FormValues> {
  const flow = secretForm(schema, options);
  const [named] = stage.oobs.map((oob) => oob.flow('login', flow));
  if (named === undefined) throw new RangeError('a stage needs a process');
  return named;
}

/** The code a promise is rejected with; `undefined` when it is fulfilled. */
export async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return findPosternError(error)?.code ?? String(error);
  }
}

/** Whether a page says that all is well and done, in whatever words. */
export function isGood({ html }: { readonly html: string }): boolean {
  return html.includes('<main class="good"');
}

/** The token in the form of a page. */
export function tokenOf({ html }: Page): string {
  return /name="form-token" value="([^"]+)"/u.exec(html)?.[1] ?? '';
}

/** All the cookies that a browser of this user would send to the pages, for requests of kinds it does not make. */
export function cookiesOf(stage: FlowStage, browser: CookieBrowser, user: string): string {
  const names = stage.host.answers.flatMap(({ headers }) =>
    [...headers.matchAll(/((?:__Host-)?postern[\w-]*)=/gu)].map(([, name]) => name ?? ''),
  );
  const pairs = [...new Set(names)].flatMap((name) => {
    const value = browser.findCookie(stage.host.publicUrl, name);
    return value === undefined ? [] : [`${name}=${value}`];
  });
  return [`app-user=${user}`, ...pairs].join('; ');
}

/** Sends a form as a page of ours would, and follows nothing. */
export function post(
  url: string,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams(fields).toString(),
    headers: {
      origin: new URL(url).origin,
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/x-www-form-urlencoded',
      ...headers,
    },
  });
}

/** A form as this browser was shown it: each call sends it once more, and says where the answer leads. */
export async function openForm(
  stage: FlowStage,
  url: string,
  user = 'alice',
): Promise<(fields: Readonly<Record<string, string>>) => Promise<Seen>> {
  const browser = await stage.host.openBrowser(user);
  const token = tokenOf(await browser.open(url));
  const cookie = cookiesOf(stage, browser, user);
  return async (fields) => {
    const sent = await post(url, { 'form-token': token, 'form-action': 'save', ...fields }, { cookie });
    const location = sent.headers.get('location');
    if (location === null) return seen(sent);
    await sent.body?.cancel();
    return seen(await fetch(location, { headers: { cookie }, redirect: 'manual' }));
  };
}

export interface Seen {
  readonly status: number;
  /** Whether the page says that it is done. */
  readonly good: boolean;
  readonly title: string | undefined;
  readonly text: string;
}

async function seen(response: Response): Promise<Seen> {
  const text = await response.text();
  return {
    status: response.status,
    good: isGood({ html: text }),
    title: /<title>([^<]*)<\/title>/u.exec(text)?.[1],
    text,
  };
}

/** A request to a page as a browser in which this user is signed in would make it. */
export function requestAs(user: string | undefined, url: string, init: RequestInit = {}): Request {
  const headers = new Headers(init.headers);
  if (user !== undefined) headers.append('cookie', `app-user=${user}`);
  return new Request(url, { ...init, headers });
}
