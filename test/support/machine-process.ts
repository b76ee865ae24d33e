/** One process of a program that is not deployed, whose links live on this machine's gate. */
import { Client, findAuthorizationRequired, LocalAuthCoordinator } from '../../src/client/index.ts';
import { findPosternError } from '../../src/core/postern-error.ts';
import { fixedNamespace } from '../../src/namespace/fixed-namespace.ts';
import { Oob, findInteractionRequired, secretForm, thisMachine } from '../../src/oob/index.ts';
import { openLocalStorage } from '../../src/storage/local.ts';

/** What a process is asked to do. */
export interface ToMachineProcess {
  readonly id: number;
  /** What a call has for this service by now. `wait`: for the person, for that long. */
  readonly use?: { readonly service: string; readonly waitMs?: number };
  readonly close?: true;
}

export interface FromMachineProcess {
  readonly id: number;
  /** `ready`, `closed`, `asks <link>`, `holds <what>`, or a code. */
  readonly said: string;
}

const [kind = '', directory = '', calendarUrl = ''] = process.argv.slice(2);

interface Program {
  readonly use: (service: string, waitMs: number) => Promise<string>;
  readonly close: () => Promise<void>;
}

/** An MCP server that its person's client has started, which needs a password for each service. */
function openServer(): Program {
  const oob = new Oob({
    storage: openLocalStorage(directory),
    namespaces: fixedNamespace('me'),
    gate: thisMachine(),
  });
  const login = oob.flow(
    'login',
    secretForm({
      type: 'object',
      properties: { password: { type: 'string', writeOnly: true } },
      required: ['password'],
    }),
  );
  return {
    use: async (resource, waitMs) => {
      const request = { resource, flow: login };
      const { password } = await oob.credentials.acquire(await oob.principal({}), request, { waitMs });
      return password;
    },
    close: () => oob.close(),
  };
}

/** An agent at a terminal, with a context for each service it is asked to use. */
function openAgent(): Program {
  const coordinator = new LocalAuthCoordinator({
    storage: openLocalStorage(directory),
    autoOpenBrowser: false,
    blockUntilCallback: false,
    onLink: () => {},
  });
  const clients = new Map<string, Client>();
  return {
    use: async (contextId) => {
      const client =
        clients.get(contextId) ?? new Client({ calendar: { url: calendarUrl } }, { coordinator, contextId });
      clients.set(contextId, client);
      const { content } = await client.callTool('whoami');
      return (content as { text?: string }[])[0]?.text ?? '';
    },
    close: async () => {
      await Promise.all([...clients.values()].map((client) => client.close()));
      await coordinator.close();
    },
  };
}

const program = kind === 'agent' ? openAgent() : openServer();
const tell = (message: FromMachineProcess): void => void process.send?.(message);

async function answer({ use, close }: ToMachineProcess): Promise<string> {
  if (close === true) {
    await program.close();
    return 'closed';
  }
  try {
    return `holds ${await program.use(use?.service ?? '', use?.waitMs ?? 0)}`;
  } catch (error) {
    const link = (findAuthorizationRequired(error)?.challenge ?? findInteractionRequired(error)?.interaction)
      ?.url;
    return link === undefined ? (findPosternError(error)?.code ?? String(error)) : `asks ${link}`;
  }
}

process.on('message', (message: ToMachineProcess) => {
  void answer(message).then((said) => tell({ id: message.id, said }));
});
process.on('disconnect', () => process.exit(0));
tell({ id: 0, said: 'ready' });
