import type * as Jose from 'jose';
import type { JWTVerifyGetKey } from 'jose';

/**
 * A key set that is made when a key is first looked for: until then nothing needs the library, which costs more to load
 * than all of this package's root.
 */
export function whenFirstAsked(make: (jose: typeof Jose) => JWTVerifyGetKey): JWTVerifyGetKey {
  let made: JWTVerifyGetKey | undefined;
  return async (header, token) => {
    const jose = await import('jose');
    made ??= make(jose);
    return made(header, token);
  };
}
