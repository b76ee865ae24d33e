import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChildProgram } from '../../test/support/child-program.ts';

interface Said {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** A person on the network. */
export interface Account {
  readonly handle: string;
  readonly password: string;
  readonly did: string;
  /** A token of their main session, for what they do themselves. */
  readonly accessJwt: string;
}

/** A PLC directory, and a PDS with its authorization server, in a process of their own. */
export interface Network extends AsyncDisposable {
  readonly plcUrl: string;
  readonly pdsUrl: string;
  createAccount(handle: string): Promise<Account>;
  createAppPassword(account: Account): Promise<string>;
  /** Has the PDS find an origin on this machine that is somewhere else by its name. */
  mapOrigin(from: string, to: string): Promise<void>;
  stopPds(): Promise<void>;
  startPds(): Promise<void>;
}

export async function startNetwork(): Promise<Network> {
  const directory = mkdtempSync(join(tmpdir(), 'postern-pds-'));
  const child = new ChildProgram<object, Said>({
    name: 'the network',
    program: new URL('network.mjs', import.meta.url),
    args: [directory],
    env: { LOG_ENABLED: 'false' },
  });
  let asked = 0;
  const heard = (id: number): Promise<Said> =>
    child.heard(`answer ${id}`, (message) => (message.id === id ? message : undefined), 60_000);
  const ask = async (method: string, args: object = {}): Promise<unknown> => {
    const id = ++asked;
    child.send({ id, method, args });
    const { value, error } = await heard(id);
    if (error !== undefined) throw new Error(error);
    return value;
  };
  const { value } = await heard(0);
  const { plcUrl, pdsUrl } = value as { plcUrl: string; pdsUrl: string };
  return {
    plcUrl,
    pdsUrl,
    async createAccount(handle) {
      const password = `${handle} enters this`;
      const made = (await ask('createAccount', { handle, password })) as { did: string; accessJwt: string };
      return { handle, password, ...made };
    },
    async createAppPassword({ accessJwt }) {
      const response = await fetch(`${pdsUrl}/xrpc/com.atproto.server.createAppPassword`, {
        method: 'POST',
        headers: { authorization: `Bearer ${accessJwt}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: `made ${performance.now()}` }),
      });
      if (!response.ok) throw new Error(`createAppPassword: ${response.status}`);
      return ((await response.json()) as { password: string }).password;
    },
    mapOrigin: async (from, to) => void (await ask('mapOrigin', { from, to })),
    stopPds: async () => void (await ask('stopPds')),
    startPds: async () => void (await ask('startPds')),
    async [Symbol.asyncDispose]() {
      await child.end();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
