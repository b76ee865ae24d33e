import { createNamespace, MemoryBackend } from '../../src/index.ts';
import type { FetchHandler } from '../../src/node/index.ts';
import { PendingManager, readForm, withPending, type VerifyUser } from '../../src/oob/index.ts';

export interface Approval {
  readonly question: string;
}

/**
 * A page of one’s own on the bare primitives: somebody is asked to approve something, and whoever needs to know waits.
 *
 * Nothing of Postern’s own pages is used.
 */
export function createApprovals({ origin, verifyUser }: { origin: string; verifyUser: VerifyUser }): {
  readonly pendings: PendingManager<Approval>;
  readonly fetch: FetchHandler;
} {
  const pendings = new PendingManager<Approval>({
    storage: new MemoryBackend(),
    // Your own check of who calls. The token of this example is the name of its user.
    namespaces: { resolve: async ({ token = '' }) => createNamespace('user', token) },
    linkFor: (id) => `${origin}/approve/${id}`,
  });
  const fetch = withPending(
    pendings,
    (request) => /^\/approve\/([\w-]+)$/u.exec(new URL(request.url).pathname)?.[1],
    async (pending, request) => {
      if (request.method !== 'POST') return page(pending.data?.question ?? '');
      const form = await readForm(request, origin);
      await (form.has('yes') ? pendings.complete(pending.id) : pendings.cancel(pending.id));
      return new Response('Thank you.');
    },
    { verifyUser },
  );
  return { pendings, fetch };
}

function page(question: string): Response {
  const text = question.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const html = `<!doctype html><title>Approve?</title><p>${text}</p>
    <form method="post"><button name="yes">Yes</button><button name="no">No</button></form>`;
  return new Response(html, {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
      'cache-control': 'no-store',
      'referrer-policy': 'same-origin',
    },
  });
}
