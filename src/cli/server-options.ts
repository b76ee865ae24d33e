import { readFileSync } from 'node:fs';
import type { OAuthConfig } from '../client/server-config.ts';
import type { SecretSource } from '../client/auth/secret-source.ts';
import { PosternError } from '../core/postern-error.ts';

/** What a command line can say of a server, as its configuration says it. */
export interface ServerOptions {
  readonly header?: readonly string[] | undefined;
  readonly headerFile?: string | undefined;
  readonly scope?: readonly string[] | undefined;
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  readonly resource?: string | undefined;
  readonly authorizeParam?: readonly string[] | undefined;
}

/** What the options say of OAuth; `undefined` when they say nothing. */
export function oauthOf(options: ServerOptions): OAuthConfig | undefined {
  const { clientId, clientSecret, scope, resource, authorizeParam } = options;
  if (clientId === undefined && clientSecret !== undefined)
    throw misuse('"--client-secret" needs "--client-id"');
  const given = {
    ...(clientId !== undefined && {
      client: { clientId, ...(clientSecret !== undefined && { clientSecret: secretAt(clientSecret) }) },
    }),
    ...(scope !== undefined && { scopes: scope.flatMap((text) => text.split(/\s+/u).filter(Boolean)) }),
    ...(authorizeParam !== undefined && { authorizeParams: Object.fromEntries(authorizeParam.map(pairIn)) }),
    ...(resource !== undefined && { profile: resource === 'none' ? { omitResource: true } : { resource } }),
  };
  return Object.keys(given).length === 0 ? undefined : { type: 'oauth', ...given };
}

function secretAt(where: string): SecretSource {
  const [, kind, at] = /^(env|file):(.+)$/su.exec(where) ?? [];
  if (at === undefined) {
    throw misuse(
      '"--client-secret" names where the secret is, and is not the secret: others on this machine can read arguments',
      'Give env:NAME or file:PATH.',
    );
  }
  return kind === 'env' ? { env: at } : { file: at };
}

/** The headers that are to be sent with every request. What stands as `${NAME}` is read from the environment. */
export function headersOf({ header = [], headerFile }: ServerOptions): Record<string, string> {
  const lines = headerFile === undefined ? [] : linesOf(headerFile);
  return Object.fromEntries([...lines, ...header].map(headerIn));
}

function linesOf(file: string): string[] {
  try {
    const lines = readFileSync(file, 'utf8').split(/\r?\n/u);
    return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  } catch (cause) {
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      `the headers in ${JSON.stringify(file)} cannot be read`,
      {
        cause,
        hint: 'Is there such a file, and may you read it?',
      },
    );
  }
}

function headerIn(line: string): [string, string] {
  const at = line.indexOf(':');
  const name = line.slice(0, at).trim();
  if (at < 1 || !/^[!#$%&'*+\-.^_`|~\w]+$/u.test(name)) throw misuse('a header has the form "Name: value"');
  const value = line.slice(at + 1).trim();
  return [
    name,
    value.replaceAll(/\$\{(\w+)\}/gu, (_whole, variable: string) => {
      const found = process.env[variable];
      if (found !== undefined) return found;
      throw misuse(
        `the header ${JSON.stringify(name)} needs the environment variable ${JSON.stringify(variable)}`,
      );
    }),
  ];
}

function pairIn(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw misuse('"--authorize-param" wants name=value');
  return [text.slice(0, at), text.slice(at + 1)];
}

/** A command that is used wrong. */
export function misuse(message: string, hint?: string): PosternError {
  return new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', message, { hint });
}
