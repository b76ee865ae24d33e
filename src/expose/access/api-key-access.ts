import { findPosternError } from '../../core/postern-error.ts';
import type { Logger } from '../../core/logger.ts';
import { createNamespace } from '../../namespace/namespace.ts';
import type { Access } from './access.ts';
import type { ApiKeyFile } from './api-key-file.ts';
import { bearerToken, challenge, notNow } from './bearer.ts';

const maxKeyLength = 512;

/** Who holds a key, told by its hash. */
export function apiKeyAccess(keys: ApiKeyFile, logger: Logger): Access {
  return {
    async admit(headers) {
      const key = bearerToken(headers) ?? headers.get('x-api-key');
      if (key === undefined || key.length > maxKeyLength)
        return challenge(key !== undefined, { realm: 'postern' });
      try {
        const name = await keys.nameOf(key);
        return name === undefined ? challenge(true, { realm: 'postern' }) : { user: userOfKeyName(name) };
      } catch (error) {
        const known = findPosternError(error);
        logger.error(known?.message ?? 'the API keys could not be read', {
          code: known?.code,
          hint: known?.hint,
        });
        return notNow();
      }
    },
  };
}

/** Whose children, sessions and credentials those of a key's name are. */
export function userOfKeyName(name: string): string {
  return createNamespace('user', `api-key ${name}`).partition;
}
