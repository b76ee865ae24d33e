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
