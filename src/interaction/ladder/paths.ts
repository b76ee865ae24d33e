/** Which page of a gate a request is for. */
export type PagePath =
  | { readonly page: 'link'; readonly id: string; readonly rest: string }
  | { readonly page: 'callback' }
  | { readonly page: 'client-metadata' };

const linkPath = /^\/connect\/(?<id>[\w-]{16,64})(?<rest>\/[\w/-]{0,64})?$/u;

/**
 * Reads a path against the gate's own, exactly: a path that only ends like one of ours is not ours.
 *
 * A framework that has cut off the mount point hands over what is left, so that is read, too.
 */
export function readPath(pathname: string, baseUrl: string): PagePath | undefined {
  const base = new URL(baseUrl).pathname.replace(/\/$/u, '');
  const path = base !== '' && pathname.startsWith(`${base}/`) ? pathname.slice(base.length) : pathname;
  if (path === '/callback') return { page: 'callback' };
  if (path === '/client-metadata.json') return { page: 'client-metadata' };
  const found = linkPath.exec(path)?.groups;
  return found && { page: 'link', id: found['id'] ?? '', rest: found['rest'] ?? '' };
}

/** What each page may be asked with. */
export const methodsOf: Readonly<Record<PagePath['page'], readonly string[]>> = {
  link: ['GET', 'POST'],
  callback: ['GET'],
  'client-metadata': ['GET'],
};

/**
 * Whether a request is certainly a person's own navigation, by what the browser says of it: the whole window goes there,
 * because of something the person did, and not ahead of time. Whoever says nothing is not taken for one.
 *
 * @see Fetch Metadata Request Headers
 */
export function isOwnNavigation({ headers, method }: Request): boolean {
  const ahead = headers.get('sec-purpose') ?? headers.get('purpose') ?? headers.get('x-moz');
  return (
    method === 'GET' &&
    ahead === null &&
    headers.get('sec-fetch-mode') === 'navigate' &&
    headers.get('sec-fetch-dest') === 'document' &&
    headers.get('sec-fetch-user') === '?1'
  );
}
