import { PosternError } from '../../core/postern-error.ts';

/**
 * A secret, or where it is: in a variable of the environment, in a file, or behind a function.
 *
 * What is not given itself is read anew for every use, since platforms rotate such secrets; and a configuration that only
 * says where its secrets are can be kept anywhere, as JSON.
 */
export type SecretSource =
  | string
  | { readonly env: string }
  | { readonly file: string }
  | (() => string | Promise<string>);

/**
 * @param what names it in an error.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when there is nothing where it should be.
 */
export async function readSecret(source: SecretSource, what: string): Promise<string> {
  const secret = await readFrom(source, what);
  if (secret !== undefined && secret !== '') return secret;
  throw missing(what);
}

async function readFrom(source: SecretSource, what: string): Promise<string | undefined> {
  if (typeof source === 'string') return source;
  if (typeof source === 'function') return source();
  if ('env' in source) return globalThis.process?.env[source.env];
  try {
    const { readSecretFile } = await import('../../interaction/this-machine/read-secret-file.ts');
    return await readSecretFile(source.file);
  } catch {
    throw missing(what);
  }
}

function missing(what: string): PosternError {
  return new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', `there is nothing where ${what} should be`, {
    hint: 'Look at the variable or the file that the configuration names for it.',
  });
}
