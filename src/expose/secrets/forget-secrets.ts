import { silentLogger, type Logger } from '../../core/logger.ts';
import { PosternError } from '../../core/postern-error.ts';
import { thisMachine } from '../../interaction/this-machine/this-machine.ts';
import type { StorageBackend } from '../../storage/contract.ts';
import { loopbackUser } from '../access/loopback-access.ts';
import { userOfKeyName } from '../access/api-key-access.ts';
import { ChildSecrets } from './child-secrets.ts';

export interface ForgetSecretsOptions {
  readonly storage: StorageBackend;
  /** Under which it is kept: `ExposeOptions.name`. */
  readonly name: string;
  /** Whose: the name of an API key. Default: whoever is at this machine. */
  readonly keyName?: string | undefined;
  readonly logger?: Logger | undefined;
}

/**
 * Forgets what a user has given, so that they are asked again. A server that runs stops its child within seconds.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the user has given nothing.
 */
export async function forgetSecrets(options: ForgetSecretsOptions): Promise<void> {
  const { storage, name, keyName, logger = silentLogger } = options;
  const user = keyName === undefined ? loopbackUser : userOfKeyName(keyName);
  const secrets = new ChildSecrets({
    // What the form asks for does not matter to what is kept.
    variables: [{ name: 'any' }],
    name,
    pages: { gate: thisMachine() },
    storage,
    logger,
    tryMs: 1_000,
    tryOut: async () => 'rejected',
    onChange: () => undefined,
  });
  try {
    if (await secrets.forget(user)) return;
  } finally {
    await secrets.close();
  }
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `nothing is kept for ${JSON.stringify(keyName ?? 'this machine')} under ${JSON.stringify(name)}`,
    {
      hint: 'Is it the same --name, and the same --data, that the server runs with?',
    },
  );
}
