/** What a user's session with the host holds: the tenant's refresh token. */
export function sessionOf(user: string): string {
  return `session of ${user}`;
}
