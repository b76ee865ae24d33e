import { readFileSync } from 'node:fs';
import { isPosternError, PosternError } from '../core/postern-error.ts';
import type { Logger, LogFields } from '../core/logger.ts';
import { stderrLogger } from '../core/logger.ts';
import { runExpose, serverName, type AccessChoice, type RunExposeOptions } from '../expose/index.ts';
import type { StorageBackend } from '../storage/contract.ts';
import type { CommandContext } from './run-command.ts';

/** As commander gives them. */
export interface ServeExposeOptions {
  readonly port: number;
  readonly host: string;
  readonly path: string;
  readonly publicUrl?: string | undefined;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
  readonly scope?: readonly string[] | undefined;
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  readonly apiKeys?: string | undefined;
  readonly newApiKey?: string | undefined;
  readonly env?: readonly string[] | undefined;
  readonly secret?: readonly string[] | undefined;
  readonly name?: string | undefined;
  readonly forgetSecrets?: string | boolean | undefined;
  readonly cwd?: string | undefined;
  readonly data?: string | undefined;
  readonly allowHost?: readonly string[] | undefined;
  readonly allowOrigin?: readonly string[] | undefined;
  readonly idleTimeout: number;
  readonly maxAge: number;
  readonly maxServers: number;
  readonly maxServersPerUser?: number | undefined;
  readonly maxBody: number;
}

/** Serves what follows "--", until it is told to end; or makes an API key. */
export async function serveExpose(
  words: readonly string[],
  options: ServeExposeOptions,
  context: CommandContext,
): Promise<number> {
  const { output } = context;
  if (options.newApiKey !== undefined) return newApiKey(options.newApiKey, options, context);
  const [command, ...args] = words;
  if (command === undefined)
    throw misuse('there is no server to run', 'Name it behind "--", with its arguments.');
  if (options.forgetSecrets !== undefined)
    return forget(options.forgetSecrets, command, args, options, context);
  const secrets = (options.secret ?? []).map((name) => ({ name: checkedName(name, '--secret') }));
  const env = environmentOf(options.env ?? []);
  const storage = secrets.length === 0 ? undefined : await openStore(options, context);
  try {
    return await runExpose({
      command: { command, args, cwd: options.cwd },
      name: options.name,
      env,
      secrets,
      storage,
      host: options.host,
      port: options.port,
      path: options.path,
      publicUrl: options.publicUrl,
      access: accessOf(options),
      hosts: options.allowHost,
      origins: options.allowOrigin,
      limits: {
        childIdleMs: options.idleTimeout * 60_000,
        maxAgeMs: options.maxAge * 3_600_000,
        maxChildren: options.maxServers,
        ...mostPerUser(options),
        maxBodyBytes: options.maxBody,
      },
      logger: context.options.debug === true ? talkative(context) : stderrLogger,
      onListening: ({ url }) => {
        if (output.json) output.answer({ url }, () => '');
        else output.say(`Serving ${command} at ${url} (${whoMayCall(options)}).`);
      },
    } satisfies RunExposeOptions);
  } finally {
    await storage?.close();
  }
}

/** This machine is one user, whom nobody else has to be kept from. */
function mostPerUser(options: ServeExposeOptions): { readonly maxChildrenPerUser?: number } {
  const { maxServers, maxServersPerUser } = options;
  const most = maxServersPerUser ?? (accessOf(options).by === 'loopback' ? maxServers : undefined);
  return most === undefined ? {} : { maxChildrenPerUser: most };
}

async function newApiKey(
  name: string,
  { apiKeys }: ServeExposeOptions,
  { output }: CommandContext,
): Promise<number> {
  if (apiKeys === undefined)
    throw misuse('"--new-api-key" needs "--api-keys"', 'Say in which file its hash is kept.');
  const { addApiKey } = await import('../expose/access/api-key-file.ts');
  const key = await addApiKey(apiKeys, name);
  output.answer({ name, key, file: apiKeys }, () => key);
  if (!output.json) output.say(`This is the key of ${name}. It is shown once: ${apiKeys} has only its hash.`);
  return 0;
}

/** @param whose the name of an API key; `true`: whoever is at this machine. */
async function forget(
  whose: string | boolean,
  command: string,
  args: readonly string[],
  options: ServeExposeOptions,
  context: CommandContext,
): Promise<number> {
  const name = options.name ?? serverName({ command, args });
  const keyName = typeof whose === 'string' ? whose : undefined;
  await using storage = closing(await openStore(options, context));
  const { forgetSecrets } = await import('../expose/secrets/forget-secrets.ts');
  await forgetSecrets({ storage: storage.storage, name, keyName });
  context.output.answer(
    { name, user: keyName },
    () => `What ${keyName ?? 'this machine'} has given to ${name} is forgotten.`,
  );
  return 0;
}

function closing(storage: StorageBackend): AsyncDisposable & { readonly storage: StorageBackend } {
  return { storage, [Symbol.asyncDispose]: () => storage.close() };
}

async function openStore({ data }: ServeExposeOptions, { output }: CommandContext): Promise<StorageBackend> {
  if (data === undefined) return (await import('./own-store.ts')).openOwnStore(output);
  return (await import('../storage/local.ts')).openLocalStorage(data);
}

function accessOf({
  issuer,
  audience,
  scope,
  clientId,
  clientSecret,
  apiKeys,
}: ServeExposeOptions): AccessChoice {
  if (issuer === undefined) {
    for (const [option, given] of Object.entries({ audience, scope, 'client-id': clientId })) {
      if (given !== undefined) throw misuse(`"--${option}" needs "--issuer"`);
    }
    return apiKeys === undefined ? { by: 'loopback' } : { by: 'api-keys', file: apiKeys };
  }
  if (clientSecret !== undefined && clientId === undefined)
    throw misuse('"--client-secret" needs "--client-id"');
  const client =
    clientId === undefined
      ? undefined
      : { id: clientId, secret: clientSecret === undefined ? undefined : secretAt(clientSecret) };
  return { by: 'issuer', issuer, audience, scopes: scope, client };
}

/** Variables by name: with their value, or without for the one that this process has. */
function environmentOf(given: readonly string[]): Record<string, string | undefined> {
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=');
      const name = checkedName(at === -1 ? text : text.slice(0, at), '--env');
      if (at !== -1) return [name, text.slice(at + 1)];
      if (process.env[name] === undefined)
        throw misuse(`the environment has no ${name}`, 'Give it a value: --env NAME=value.');
      return [name, undefined];
    }),
  );
}

function checkedName(name: string, option: string): string {
  if (/^[A-Za-z_]\w*$/u.test(name)) return name;
  throw misuse(`"${option}" takes the name of a variable: letters, digits and underscores`);
}

function secretAt(where: string): string {
  const [, kind, name = ''] = /^(env|file):(.+)$/su.exec(where) ?? [];
  if (kind === undefined) {
    throw misuse(
      '"--client-secret" names where the secret is, and is not the secret: others on this machine can read arguments',
      'Give env:NAME or file:PATH.',
    );
  }
  try {
    const secret = kind === 'env' ? process.env[name] : readFileSync(name, 'utf8').trimEnd();
    if (secret !== undefined && secret !== '') return secret;
  } catch (error) {
    if (isPosternError(error)) throw error;
  }
  throw misuse(
    `there is no secret in ${kind === 'env' ? 'the variable' : 'the file'} ${JSON.stringify(name)}`,
  );
}

function whoMayCall({ issuer, apiKeys }: ServeExposeOptions): string {
  if (issuer !== undefined) return `for whoever has a token of ${issuer}`;
  return apiKeys === undefined ? 'for this machine only' : 'for whoever has an API key';
}

/** With what is only of use when something is looked for. */
function talkative({ output }: CommandContext): Logger {
  const say =
    (level: string) =>
    (message: string, fields: LogFields = {}): void =>
      output.say(`postern ${level}: ${message} ${JSON.stringify(fields)}`);
  return { ...stderrLogger, debug: say('debug'), info: say('info') };
}

function misuse(message: string, hint?: string): PosternError {
  return new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', message, { hint });
}
