import { PosternError } from '../core/postern-error.ts';

/** The account that a context has at a server when it names none. */
export const defaultAlias = 'default';

/** Between a server's name and an account's, where both are one text. Neither can hold it. */
const separator = '\u001F';

/** The alias of a place: a server's name, and which of a context's accounts there. */
export function placeAlias(server: string, alias: string): string {
  return alias === defaultAlias ? server : `${server}${separator}${alias}`;
}

/** What {@link placeAlias} was made of. */
export function accountAt(placed: string): { readonly server: string; readonly alias: string } {
  const at = placed.indexOf(separator);
  if (at < 0) return { server: placed, alias: defaultAlias };
  return { server: placed.slice(0, at), alias: placed.slice(at + 1) };
}

/** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when a server or an account cannot be named like that. */
export function checkName(what: 'a server name' | 'an alias', name: string): void {
  if (name !== '' && name.length <= 100 && !/\p{Cc}/u.test(name)) return;
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `${what} must have 1 to 100 characters, and no control characters`,
  );
}
