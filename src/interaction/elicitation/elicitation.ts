import { html } from '../../web/html.ts';
import { dataOf, type Flow, type FlowVisit } from '../flow.ts';
import { seePage } from '../pages/pages.ts';
import { causeSchema } from './elicitation-cause.ts';

/**
 * Something that a person has to do at another server, of which only that server knows whether it is done.
 *
 * Our page shows that server's link, and takes the person's word for it: whoever waits asks the server again.
 */
export const elicitation: Pick<Flow<never>, 'begin' | 'visit'> = {
  begin: async ({ cause, say }) => {
    const data = causeSchema.parse(cause);
    return { data, message: say('elicitation.title', { server: data.server }) };
  },

  async visit(visit) {
    if (visit.rest !== '') return visit.pages.failure('ERR_POSTERN_PENDING_NOT_FOUND');
    if (visit.request.method === 'GET') return show(visit);
    const form = await visit.readForm();
    if (form.get('form-action') !== 'decline') return visit.finish(undefined);
    await visit.fail('ERR_POSTERN_AUTH_DENIED');
    return seePage(visit.pageUrl);
  },
};

function show({ pending, pages, formToken, statusUrl }: FlowVisit): Promise<Response> {
  const { server, elicitations } = causeSchema.parse(dataOf(pending).data);
  const { say } = pages;
  const links = elicitations.map(
    ({ url, message }) =>
      html`<p>${say('elicitation.says', { server, message })}</p>
        <p class="dim">${url}</p>
        <p>
          <a class="act" href="${url}" target="_blank" rel="noopener noreferrer"
            >${say('action.open', { host: new URL(url).host })}</a
          >
        </p>`,
  );
  const body = html`${links}
    <form method="post">
      <input type="hidden" name="form-token" value="${formToken}" />
      <div class="row">
        <button name="form-action" value="done">${say('action.done')}</button>
        <button name="form-action" value="decline" class="quiet">${say('action.decline')}</button>
      </div>
    </form>`;
  const title = say('elicitation.title', { server });
  return pages.form(200, {
    title,
    text: say('elicitation.text', { server }),
    body,
    access: server,
    watch: statusUrl,
  });
}
