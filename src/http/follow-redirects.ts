import { PosternError } from '../core/postern-error.ts';

/** What of an answer says whether its request is sent on to elsewhere. */
type Redirecting = Pick<Response, 'status' | 'headers' | 'body'>;

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const maxRedirects = 3;

/**
 * Sends a request, and follows where it is sent on to: three times at most, only within its origin, and only with the same
 * method. Whatever a request carries is for that origin alone.
 *
 * @throws {PosternError} ERR_POSTERN_NETWORK_REDIRECT when it is sent on otherwise.
 */
export async function followRedirects<Answer extends Redirecting>(
  request: { readonly url: URL; readonly method: string; readonly redirect: RequestRedirect },
  send: (url: URL, redirected: boolean) => Promise<Answer>,
): Promise<Answer> {
  let { url } = request;
  for (let hops = 0; ; hops++) {
    const answer = await send(url, hops > 0);
    const location = redirects.has(answer.status) ? answer.headers.get('location') : null;
    if (location === null || request.redirect === 'manual') return answer;
    await answer.body?.cancel();
    const next = URL.parse(location, url);
    if (request.redirect === 'error') throw notFollowed(url, 'which it must not');
    if (next === null) throw notFollowed(url, 'to nowhere');
    if (hops === maxRedirects) throw notFollowed(url, `more than ${maxRedirects} times`);
    if (next.origin !== url.origin) throw notFollowed(url, `to ${next.origin}`);
    const keepsMethod = answer.status === 307 || answer.status === 308;
    if (!keepsMethod && request.method !== 'GET' && request.method !== 'HEAD')
      throw notFollowed(url, `a ${request.method} with status ${answer.status}`);
    url = next;
  }
}

function notFollowed(url: URL, where: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_NETWORK_REDIRECT',
    `${JSON.stringify(url.host)} redirects ${where}, which is not followed`,
    {
      hint: 'What a request carries is for its own origin alone. If the other address is right, configure that one.',
    },
  );
}
