import { PosternError } from '../core/postern-error.ts';

/** Where the system keeps what belongs to its user: Keychain, Credential Manager, Secret Service. */
export interface Keychain {
  /** `undefined` when there is none. */
  get(account: string): Promise<string | undefined>;
  set(account: string, secret: string): Promise<void>;
  /** Whether there was one. */
  delete(account: string): Promise<boolean>;
}

export interface KeychainOptions {
  /** How long one question may take, and with it the person who unlocks the keychain. Default 20,000 ms. */
  readonly timeoutMs?: number | undefined;
  /** The file of a module like `@napi-rs/keyring`. Default: that one. */
  readonly module?: string | undefined;
}

const service = 'postern';
const defaultModule = '@napi-rs/keyring';

/**
 * Asks for one thing and ends. A program of its own, because a keychain that hangs holds up the end of the process that
 * asked it, and no signal to its thread helps. On Linux the kernel's own keyring would be taken where there is no Secret
 * Service, and forgets everything when the machine starts anew.
 */
const program = `
const { Entry } = require(process.argv[1]);
let input = '';
process.stdin.on('data', (part) => (input += part)).on('end', () => {
  const { verb, service, account, secret } = JSON.parse(input);
  try {
    const entry = new Entry(service, account, { linux: { store: 'secret-service' } });
    const verbs = {
      get: () => entry.getPassword(),
      set: () => entry.setPassword(secret),
      delete: () => entry.deletePassword(),
    };
    process.stdout.write(JSON.stringify({ answer: verbs[verb]() ?? null }));
  } catch (error) {
    process.stdout.write(JSON.stringify({ failure: String(error?.message).slice(0, 300) }));
  }
});
`;

/**
 * The keychain of the user who runs this. Every question has a deadline.
 *
 * Its methods throw `PosternError` ERR_POSTERN_STORAGE_KEYCHAIN_UNAVAILABLE when there is none, it is locked and stays so,
 * or it does not answer in time.
 */
export function systemKeychain(options: KeychainOptions = {}): Keychain {
  const ask = (question: Question): Promise<unknown> => askKeychain(question, options);
  return {
    get: async (account) => {
      const answer = await ask({ verb: 'get', account });
      return typeof answer === 'string' ? answer : undefined;
    },
    set: async (account, secret) => void (await ask({ verb: 'set', account, secret })),
    delete: async (account) => (await ask({ verb: 'delete', account })) === true,
  };
}

interface Question {
  readonly verb: 'get' | 'set' | 'delete';
  readonly account: string;
  readonly secret?: string;
}

async function askKeychain(
  question: Question,
  { timeoutMs = 20_000, module }: KeychainOptions,
): Promise<unknown> {
  if (process.env['POSTERN_KEYCHAIN'] === 'off') throw unavailable('is switched off by POSTERN_KEYCHAIN');
  const path = module ?? (await findModule());
  // Few stores ask a keychain, and every one would wait for this to load.
  const { spawn } = await import('node:child_process');
  const { answer, failure } = await new Promise<{ answer?: unknown; failure?: string }>((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', program, path], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: childEnv(),
      windowsHide: true,
    });
    let output = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(
        unavailable(
          `did not answer within ${timeoutMs / 1_000} s`,
          'It may be locked: unlock it, and try again.',
        ),
      );
    }, timeoutMs);
    child.stdout.on('data', (part: Buffer) => (output += part.toString()));
    child.stdin.on('error', () => {});
    child.once('error', (cause) => {
      clearTimeout(timer);
      reject(unavailable('could not be asked', undefined, cause));
    });
    child.once('close', () => {
      clearTimeout(timer);
      resolve(readAnswer(output));
    });
    // Not an argument: those stand in everybody's list of processes.
    child.stdin.end(JSON.stringify({ service, ...question }));
  });
  if (failure !== undefined) throw unavailable('cannot be used', undefined, new Error(failure));
  return answer;
}

function readAnswer(output: string): { answer?: unknown; failure?: string } {
  try {
    return JSON.parse(output) as { answer?: unknown; failure?: string };
  } catch {
    return { failure: 'it ended without an answer' };
  }
}

async function findModule(): Promise<string> {
  const { createRequire } = await import('node:module');
  try {
    return createRequire(import.meta.url).resolve(defaultModule);
  } catch (cause) {
    throw unavailable(
      'cannot be asked, since the package that does so is not installed',
      `Install ${defaultModule} where this program is installed.`,
      cause,
    );
  }
}

/** What is preloaded into this process is no part of the other. */
function childEnv(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, ...env } = process.env;
  return { ...env, ELECTRON_RUN_AS_NODE: '1' };
}

function unavailable(what: string, hint?: string, cause?: unknown): PosternError {
  return new PosternError('ERR_POSTERN_STORAGE_KEYCHAIN_UNAVAILABLE', `the system's keychain ${what}`, {
    cause,
    hint:
      hint ??
      'Is somebody signed in at this machine, and the keychain unlocked? Over SSH and in containers there is none.',
  });
}
