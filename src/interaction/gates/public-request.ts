import { readPath } from '../ladder/paths.ts';

/**
 * The same request, at the address that its browser has in its bar: a host that sends somebody to its own sign-in page has
 * them come back to `request.url`.
 *
 * A proxy in front has another origin, and a framework may have cut off the path that it mounts us at.
 */
export function publicRequest(request: Request, baseUrl: string): Request {
  const { pathname, search } = new URL(request.url);
  const { origin, pathname: base } = new URL(baseUrl);
  const mount = base.replace(/\/$/u, '');
  const isCutOff =
    mount !== '' && !pathname.startsWith(`${mount}/`) && readPath(pathname, baseUrl) !== undefined;
  const url = `${origin}${isCutOff ? mount : ''}${pathname}${search}`;
  return url === request.url ? request : new Request(url, request);
}
