import { hashId } from '../../core/random.ts';
import { findPosternError } from '../../core/postern-error.ts';
import type { Namespace } from '../../namespace/namespace.ts';
import { CredentialStore } from '../credentials/credential-store.ts';
import type { KeptCredential } from '../credentials/kept-credential.ts';
import type { Pending } from '../../pending/pending.ts';
import { BrowserCookie } from '../../web/browser-cookie.ts';
import { FormRefusedError, readForm } from '../../web/form-request.ts';
import type { Say } from '../../web/texts/texts.ts';
import type { Person } from '../../web/verify-user.ts';
import type { InteractionData } from '../flow.ts';
import { unknownFlow } from '../flows.ts';
import type { LadderHost } from '../ladder/ladder-host.ts';
import { seePage, type Pages } from '../pages/pages.ts';
import type { Place } from '../want.ts';
import { inboxPage, type Connection } from './inbox-page.ts';
import { keyOf, Labels } from './labels.ts';
import { People } from './people.ts';

/** How long its forms stay good in one browser. */
const cookieMs = 24 * 60 * 60_000;

/** What pressing a button has led to: something to say, or somewhere to go. */
type Outcome = { readonly notice: string } | { readonly url: string };

/**
 * One page for all that waits for a person, and all that is connected for them. One message with its address can stand for
 * any number of links.
 *
 * Whoever the host finds at the browser sees what was asked of them, and what is kept in the namespaces they are asked for.
 */
export class Inbox {
  readonly #host: LadderHost;
  readonly #people: People;

  constructor(host: LadderHost) {
    this.#host = host;
    this.#people = new People(host.surroundings.storage);
  }

  async fetch(request: Request, pages: Pages): Promise<Response> {
    const { gate } = this.#host;
    const visitor = await gate.whoIs?.(request);
    switch (visitor?.is) {
      case undefined:
        return pages.missing();
      case 'answered':
        return visitor.response;
      case 'nobody':
        return pages.failure('ERR_POSTERN_AUTH_REQUIRED');
      case 'person':
        return this.#serve(request, pages, visitor.person);
    }
  }

  async #serve(request: Request, pages: Pages, person: Person): Promise<Response> {
    const { gate } = this.#host;
    const cookie = new BrowserCookie(await hashId('inbox'), gate.baseUrl.startsWith('https:'));
    const namespaces = await this.#people.namespacesOf(person.id);
    let notice: string | undefined;
    if (request.method === 'POST') {
      const form = await readForm(request, new URL(gate.baseUrl).origin);
      if (!(await cookie.tookForm(request, form.get('form-token'))))
        throw new FormRefusedError(403, 'does not carry the token of this browser');
      const outcome = await this.#act(form, namespaces, person, pages);
      if ('url' in outcome) return seePage(outcome.url);
      ({ notice } = outcome);
    }
    const [waiting, connections] = await Promise.all([
      this.#waitingFor(person, namespaces),
      this.#connected(namespaces),
    ]);
    const bound = await cookie.bind(request, cookieMs);
    const response = await inboxPage(pages, {
      person: person.name ?? person.id,
      waiting,
      connections,
      notice,
      formToken: bound.formToken,
      nowMs: await this.#host.surroundings.now(),
    });
    const headers = new Headers(response.headers);
    headers.append('set-cookie', bound.setCookie);
    return new Response(response.body, { status: response.status, headers });
  }

  /** The oldest first: that is what somebody has waited for the longest. */
  async #waitingFor(person: Person, namespaces: readonly Namespace[]): Promise<Pending<InteractionData>[]> {
    const all = await Promise.all(namespaces.map((namespace) => this.#host.pendings.in(namespace).list()));
    return all
      .flat()
      .filter(({ status, initiator }) => status === 'pending' && initiator === person.id)
      .toSorted((a, b) => a.createdAtMs - b.createdAtMs);
  }

  async #connected(namespaces: readonly Namespace[]): Promise<Connection[]> {
    const all = await Promise.all(
      namespaces.map(async (namespace) => {
        const labels = await new Labels(this.#host.surroundings.storage, namespace).all();
        const kept: readonly KeptCredential[] = await this.#host.list(namespace, { ended: true });
        return kept.map((one) => ({ ...one, namespace, label: labels.get(keyOf(one)) }));
      }),
    );
    return all.flat().toSorted((a, b) => a.obtainedAtMs - b.obtainedAtMs);
  }

  async #act(
    form: URLSearchParams,
    namespaces: readonly Namespace[],
    person: Person,
    pages: Pages,
  ): Promise<Outcome> {
    const { say } = pages;
    const namespace = namespaces.find(({ partition }) => partition === form.get('namespace'));
    const [resource, alias] = [form.get('resource'), form.get('alias')];
    // What is not this person's is what is not there.
    if (namespace === undefined || resource === null || alias === null) return { notice: say('inbox.gone') };
    const place: Place = { namespace, resource, alias };
    const { storage } = this.#host.surroundings;
    const stored = await new CredentialStore(this.#host.surroundings, namespace).find(place);
    if (stored === undefined) return { notice: say('inbox.gone') };
    const labels = new Labels(storage, namespace);
    switch (form.get('form-action')) {
      case 'rename':
        await labels.set(place, form.get('label') ?? '');
        return { notice: say('inbox.renamed') };
      case 'disconnect': {
        const what = (await labels.all()).get(keyOf(place)) ?? resource;
        const { revocation } = await this.#host.forget(place);
        await labels.set(place, '');
        const isConfirmed = revocation === 'confirmed' || revocation === 'nothing';
        return { notice: say(isConfirmed ? 'inbox.disconnected' : 'inbox.disconnectedHere', { what }) };
      }
      default:
        return this.#askAnew(place, person, say);
    }
  }

  /** Sends a person to the link at which they give something again that they have given before. */
  async #askAnew(place: Place, person: Person, say: Say): Promise<Outcome> {
    const { surroundings, reconnect } = this.#host;
    try {
      const url = await (reconnect === undefined ? this.#ask(place, person) : reconnect(place));
      return url === undefined ? { notice: say('inbox.works') } : { url };
    } catch (error) {
      const { code } = findPosternError(error) ?? {};
      surroundings.logger.warn('what was connected cannot be asked for again', {
        namespace: place.namespace.id,
        code,
      });
      return { notice: say('inbox.notAgain') };
    }
  }

  /** By the flow that it came by. */
  async #ask(place: Place, person: Person): Promise<string | undefined> {
    const stored = await new CredentialStore(this.#host.surroundings, place.namespace).find(place);
    const name = stored?.value.flow ?? '';
    const flow = this.#host.flowNamed(name);
    if (flow === undefined) throw unknownFlow(name);
    // On the person's own wish: what they declined before does not count.
    await this.#host.askAgain(place);
    const want = { ...place, initiator: person.id, scopes: stored?.value.scopes ?? [] };
    return (await this.#host.ask(want, { name, flow }, () => false))?.pending.url;
  }
}
