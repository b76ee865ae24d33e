import { z } from 'zod';

/** Why the service did not do what was asked. */
export type CodeHostRefusal =
  | { readonly reason: 'token-refused' | 'not-found' | 'unavailable' | 'invalid' }
  /** The organisation wants single sign-on first, at this host. */
  | { readonly reason: 'sso-required'; readonly ssoHost: string };

export class CodeHostError extends Error {
  override readonly name: string = 'CodeHostError';
  readonly refusal: CodeHostRefusal;

  constructor(refusal: CodeHostRefusal) {
    super(`the code host answered: ${refusal.reason}`);
    this.refusal = refusal;
  }
}

export interface Repositories {
  readonly names: readonly string[];
  /** Whether some are left out until their organisation's single sign-on is done. */
  readonly partial: boolean;
}

const user = z.looseObject({ login: z.string() });
const repositories = z.array(z.looseObject({ full_name: z.string() }));
const issue = z.looseObject({ number: z.number() });

/** The three calls that the tools make. What the service writes in errors is not passed on: only what it means. */
export class CodeHostApi {
  readonly host: string;
  readonly #origin: string;

  constructor(origin: string) {
    this.#origin = origin;
    this.host = new URL(origin).host;
  }

  /** @throws {CodeHostError} */
  async whoami(token: string, signal: AbortSignal): Promise<string> {
    return user.parse(await (await this.#send('/user', token, { signal })).json()).login;
  }

  /** @throws {CodeHostError} */
  async listRepositories(token: string, signal: AbortSignal): Promise<Repositories> {
    const response = await this.#send('/user/repos', token, { signal });
    const names = repositories.parse(await response.json()).map(({ full_name: name }) => name);
    return { names, partial: response.headers.get('x-github-sso')?.startsWith('partial-results') === true };
  }

  /** Returns the number of the issue. @throws {CodeHostError} */
  async openIssue(
    token: string,
    { repository, title }: { repository: string; title: string },
    signal: AbortSignal,
  ): Promise<number> {
    const init = {
      signal,
      method: 'POST',
      body: JSON.stringify({ title }),
      headers: { 'content-type': 'application/json' },
    };
    return issue.parse(await (await this.#send(`/repos/${repository}/issues`, token, init)).json()).number;
  }

  async #send(
    path: string,
    token: string,
    init: { signal: AbortSignal; method?: string; body?: string; headers?: Record<string, string> },
  ): Promise<Response> {
    const response = await fetch(`${this.#origin}${path}`, {
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${token}`, accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.any([init.signal, AbortSignal.timeout(10_000)]),
    }).catch((): never => {
      init.signal.throwIfAborted();
      throw new CodeHostError({ reason: 'unavailable' });
    });
    if (response.ok) return response;
    await response.body?.cancel();
    throw new CodeHostError(refusalOf(response));
  }
}

function refusalOf({ status, headers }: Response): CodeHostRefusal {
  // The link carries a request of its own: a person gets there from the host's settings as well.
  const link = /^required;\s*url=(?<url>\S+)$/u.exec(headers.get('x-github-sso') ?? '')?.groups?.['url'];
  const ssoHost = link === undefined ? undefined : URL.parse(link)?.host;
  if (status === 403 && ssoHost !== undefined) return { reason: 'sso-required', ssoHost };
  if (status === 401) return { reason: 'token-refused' };
  if (status === 403 || status === 404) return { reason: 'not-found' };
  return { reason: status === 422 ? 'invalid' : 'unavailable' };
}
