import type { Namespace } from '../../namespace/namespace.ts';
import type { Pending } from '../../pending/pending.ts';
import { html, type Html } from '../../web/html.ts';
import type { KeptCredential } from '../credentials/kept-credential.ts';
import type { InteractionData } from '../flow.ts';
import { endTime, placeName } from '../pages/facts.ts';
import type { Pages } from '../pages/pages.ts';

/** Something that is connected, and what its person calls it. */
export interface Connection extends KeptCredential {
  readonly namespace: Namespace;
  readonly label: string | undefined;
}

export interface InboxContent {
  /** Who sees it, as they are called. */
  readonly person: string;
  readonly waiting: readonly Pending<InteractionData>[];
  readonly connections: readonly Connection[];
  /** What came of what they have just done. */
  readonly notice: string | undefined;
  readonly formToken: string;
  readonly nowMs: number;
}

export function inboxPage(pages: Pages, content: InboxContent): Promise<Response> {
  const { say } = pages;
  const { person, waiting, connections, notice, formToken, nowMs } = content;
  const body = html`${notice !== undefined && html`<p class="notice" role="alert">${notice}</p>`}
    <h2>${say('inbox.waiting')}</h2>
    ${
      waiting.length === 0
        ? html`<p class="dim">${say('inbox.nothingWaits')}</p>`
        : html`<ul>
            ${waiting.map((pending) => renderWaiting(pages, pending, nowMs))}
          </ul>`
    }
    <h2>${say('inbox.connected')}</h2>
    ${
      connections.length === 0
        ? html`<p class="dim">${say('inbox.nothingConnected')}</p>`
        : html`<ul>
            ${connections.map((connection, index) => renderConnection(pages, connection, formToken, index))}
          </ul>`
    }`;
  return pages.form(200, {
    title: say('inbox.title'),
    text: say('inbox.text', { name: pages.name }),
    facts: [{ label: say('facts.for'), values: [person] }],
    body,
  });
}

function renderWaiting(
  { say, texts }: Pages,
  { url, kind, resource, expiresAtMs, data }: Pending<InteractionData>,
  nowMs: number,
): Html {
  const { request } = data ?? {};
  const what = request === undefined ? (resource ?? kind) : placeName(request, say);
  return html`<li>
    <a href="${url}">${data?.message ?? what}</a>
    ${request?.reason !== undefined && html`<p class="dim">${request.reason}</p>`}
    <p class="dim">${say('facts.ends')}: ${endTime(expiresAtMs, nowMs, texts.language, say)}</p>
  </li>`;
}

function renderConnection(
  { say, texts }: Pages,
  connection: Connection,
  formToken: string,
  index: number,
): Html {
  const { account, condition, label, obtainedAtMs, resource, alias, namespace } = connection;
  const what = label ?? placeName({ resource, alias }, say);
  const time = new Date(obtainedAtMs).toLocaleDateString(texts.language, {
    timeZone: 'UTC',
    dateStyle: 'medium',
  });
  const as = account?.name ?? account?.subject;
  const facts = [
    ...(label === undefined ? [] : [placeName({ resource, alias }, say)]),
    ...(as === undefined ? [] : [say('inbox.as', { account: as })]),
    say('inbox.since', { time }),
  ].join(', ');
  const id = `label-${index}`;
  const place = html`<input type="hidden" name="form-token" value="${formToken}" />
    <input type="hidden" name="namespace" value="${namespace.partition}" />
    <input type="hidden" name="resource" value="${resource}" />
    <input type="hidden" name="alias" value="${alias}" />`;
  return html`<li>
    <strong>${what}</strong>
    <p class="dim">${facts}</p>
    ${condition === 'over' && html`<p class="wrong">${say('inbox.over')}</p>`}
    ${condition === 'expiring' && html`<p class="dim">${say('inbox.expiring')}</p>`}
    ${
      condition !== 'good' &&
      html`<form method="post">
        ${place}
        <div class="row">
          <button name="form-action" value="reconnect">${say('action.reconnect')}</button>
        </div>
      </form>`
    }
    <details>
      <summary>${say('inbox.change', { what })}</summary>
      <form method="post">
        ${place}
        <label for="${id}">${say('inbox.label')}</label>
        <input id="${id}" name="label" value="${label ?? ''}" maxlength="100" autocomplete="off" />
        <div class="row">
          <button name="form-action" value="rename" class="quiet">${say('action.rename')}</button>
          <button name="form-action" value="disconnect" class="quiet">${say('action.disconnect')}</button>
        </div>
      </form>
    </details>
  </li>`;
}
