import { html } from '../../web/html.ts';
import { dataOf, type Flow, type FlowVisit } from '../flow.ts';
import { failurePage, formPage, seePage } from '../pages/pages.ts';
import { causeSchema } from './elicitation-cause.ts';

/**
 * Something that a person has to do at another server, of which only that server knows whether it is done.
 *
 * Our page shows that server's link, and takes the person's word for it: whoever waits asks the server again.
 */
export const elicitation: Pick<Flow<never>, 'begin' | 'visit'> = {
  begin: async ({ cause }) => {
    const data = causeSchema.parse(cause);
    return { data, message: `${data.server} asks you to do something` };
  },

  async visit(visit) {
    if (visit.rest !== '') return failurePage('ERR_POSTERN_PENDING_NOT_FOUND');
    if (visit.request.method === 'GET') return show(visit);
    const form = await visit.readForm();
    if (form.get('form-action') !== 'decline') return visit.finish(undefined);
    await visit.fail('ERR_POSTERN_AUTH_DENIED');
    return seePage(visit.pageUrl);
  },
};

function show({ pending, formToken, statusUrl }: FlowVisit): Promise<Response> {
  const { server, elicitations } = causeSchema.parse(dataOf(pending).data);
  const text = `It has a page of its own for that. Look at the whole address before you open it: what is said there, and about it, is ${server}’s word, not ours. Come back here when you are done.`;
  const links = elicitations.map(
    ({ url, message }) =>
      html`<p>${server} says: “${message}”</p>
        <p class="dim">${url}</p>
        <p>
          <a class="act" href="${url}" target="_blank" rel="noopener noreferrer">Open ${new URL(url).host}</a>
        </p>`,
  );
  const body = html`${links}
    <form method="post">
      <input type="hidden" name="form-token" value="${formToken}" />
      <div class="row">
        <button name="form-action" value="done">I have done it</button>
        <button name="form-action" value="decline" class="quiet">Decline</button>
      </div>
    </form>`;
  return formPage(200, { title: `${server} asks you to do something`, text, body, watch: statusUrl });
}
