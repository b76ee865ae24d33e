/** Which page of a gate a request is for. */
export type PagePath =
  | { readonly page: 'link'; readonly id: string; readonly rest: string }
  | { readonly page: 'status'; readonly id: string }
  | { readonly page: 'callback' }
  | { readonly page: 'inbox' }
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
  if (path === '/inbox') return { page: 'inbox' };
  if (path === '/client-metadata.json') return { page: 'client-metadata' };
  const { id, rest = '' } = linkPath.exec(path)?.groups ?? {};
  if (id === undefined) return undefined;
  return rest === '/status' ? { page: 'status', id } : { page: 'link', id, rest };
}

/** What each page may be asked with. */
export const methodsOf: Readonly<Record<PagePath['page'], readonly string[]>> = {
  link: ['GET', 'POST'],
  status: ['GET'],
  callback: ['GET'],
  inbox: ['GET', 'POST'],
  'client-metadata': ['GET'],
};
