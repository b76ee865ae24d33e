import { findPosternError } from '../../src/core/postern-error.ts';
import {
  secretForm,
  type FormSchema,
  type FormValues,
  type NamedFlow,
  type SecretFormOptions,
} from '../../src/oob/index.ts';
import type { CookieBrowser, Page } from './cookie-browser.ts';
import type { FlowStage } from './flow-stage.ts';

const login: FormSchema = {
  type: 'object',
  properties: {
    host: { type: 'string', title: 'Host' },
    password: { type: 'string', title: 'Password', writeOnly: true },
    key: { type: 'string', title: 'Key', writeOnly: true, format: 'multiline' },
  },
  required: ['password'],
};
export const secret = 'CNRYzsecretz-pa ss+%&=<b>"\'wörd-😀';

export function formFlow(stage: FlowStage, options: SecretFormOptions = {}): NamedFlow<FormValues> {
  const [named] = stage.oobs.map((oob) => oob.flow('login', secretForm(login, options)));
  return named!;
}

export const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => findPosternError(error)?.code ?? String(error),
  );

export async function acquire<C>(stage: FlowStage, user: string, flow: NamedFlow<C>, waitMs = 0): Promise<C> {
  return stage.oob.credentials.acquire(
    await stage.principal(user),
    { resource: 'calendar.example', flow },
    { waitMs },
  );
}

/** What is anywhere to be read of a secret: pages, headers, addresses, log lines. */
export function leaks(stage: FlowStage, canary = 'CNRY'): string[] {
  const answers = stage.host.answers.map(({ path, headers, body }) => `${path} ${headers} ${body}`);
  return [...answers, ...stage.logger.lines].filter((text) => text.includes(canary));
}

export function tokenOf({ html }: Page): string {
  return /name="form-token" value="([^"]+)"/u.exec(html)?.[1] ?? '';
}

export async function statusOf(browser: CookieBrowser, url: string): Promise<unknown> {
  return JSON.parse((await browser.open(`${url}/status`)).html);
}

/** All the cookies of a browser, for requests of other kinds than it makes. */
export function cookiesOf(stage: FlowStage, browser: CookieBrowser, user: string): string {
  const names = stage.host.answers.flatMap(({ headers }) =>
    [...headers.matchAll(/(postern-[\w-]+)=/gu)].map(([, name]) => name ?? ''),
  );
  const pairs = [...new Set(names)].map(
    (name) => [name, browser.findCookie(stage.host.publicUrl, name)] as const,
  );
  return [
    `app-user=${user}`,
    ...pairs.filter(([, value]) => value !== undefined).map((pair) => pair.join('=')),
  ].join('; ');
}

export function post(
  stage: FlowStage,
  url: string,
  fields: Record<string, string>,
  headers: Record<string, string>,
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams(fields).toString(),
    headers: {
      origin: stage.host.origin,
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/x-www-form-urlencoded',
      ...headers,
    },
  });
}
