import { Conversation, resultOf } from './conversation.ts';
import type { Message, Wire } from './wire.ts';

/** What a client says of itself; nothing that a server could treat differently is left out. */
const capabilities = { roots: { listChanged: true }, sampling: {}, elicitation: { form: {}, url: {} } };
const clientInfo = { name: 'compare', version: '1.0.0' };

/** Text and numbers that come back otherwise when somebody reads and writes them on the way. */
const awkward = '\u2028 \u00e9 \ud83d\ude00 "\\/\u0007 __proto__';

type Params = Readonly<Record<string, unknown>>;
type Ask = (about: string, method: string, params?: Params) => Promise<Message>;

/** Everything a client of an era asks a server, always in the same words. */
export const scripts = {
  '2025-11-25': async (wire: Wire): Promise<Conversation> => {
    const conversation = new Conversation(wire);
    const ask = asking(conversation, {});
    await ask('initialize', 'initialize', { protocolVersion: '2025-11-25', capabilities, clientInfo });
    await conversation.tell({ jsonrpc: '2.0', method: 'notifications/initialized' });
    await wire.listen();
    await ask('ping', 'ping');
    await ask('logging/setLevel', 'logging/setLevel', { level: 'debug' });
    await askEverything(ask);
    await ask('a progress token', 'tools/call', {
      name: 'echo',
      arguments: { message: 'ahoy' },
      _meta: { progressToken: 'p-1', other: awkward },
    });
    return conversation;
  },
  '2026-07-28': async (wire: Wire): Promise<Conversation> => {
    const conversation = new Conversation(wire);
    const ask = asking(conversation, {
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': capabilities,
        'io.modelcontextprotocol/clientInfo': clientInfo,
      },
    });
    await ask('server/discover', 'server/discover');
    await askEverything(ask);
    return conversation;
  },
} as const;
export type Era = keyof typeof scripts;

function asking(conversation: Conversation, always: Params): Ask {
  let id = 0;
  return (about, method, params = {}) =>
    conversation.ask(about, { jsonrpc: '2.0', id: ++id, method, params: { ...params, ...always } });
}

async function askEverything(ask: Ask): Promise<void> {
  const tools = listed(await ask('tools/list', 'tools/list'), 'tools');
  const prompts = listed(await ask('prompts/list', 'prompts/list'), 'prompts');
  const resources = listed(await ask('resources/list', 'resources/list'), 'resources');
  await ask('resources/templates/list', 'resources/templates/list');
  for (const tool of tools) {
    const { name, inputSchema } = tool as { name: string; inputSchema?: Params };
    if (slow.test(name)) continue;
    const call = { name, arguments: argumentsFor(inputSchema) };
    const answer = await ask(`tools/call ${name}`, 'tools/call', call);
    await answerInputs(ask, `tools/call ${name}`, call, answer);
  }
  for (const prompt of prompts) {
    const { name, arguments: named = [] } = prompt as { name: string; arguments?: { name: string }[] };
    const values = Object.fromEntries(named.map(({ name: key }) => [key, 'ahoy']));
    await ask(`prompts/get ${name}`, 'prompts/get', { name, arguments: values });
    await ask(`completion/complete ${name}`, 'completion/complete', {
      ref: { type: 'ref/prompt', name },
      argument: { name: named[0]?.name ?? 'none', value: 'a' },
    });
  }
  for (const resource of resources.slice(0, 8)) {
    const { uri } = resource as { uri: string };
    await ask(`resources/read ${uri}`, 'resources/read', { uri });
  }
  await ask('resources/read of nothing', 'resources/read', { uri: 'nothing://at-all' });
  await ask('a tool that is not there', 'tools/call', { name: 'not there', arguments: {} });
  await ask('a method that is not there', 'nothing/at-all', { text: awkward, big: 9_007_199_254_740_991 });
  await ask('tools/call without a name', 'tools/call', { arguments: {} });
}

/** What waits or talks for longer than it is worth here. */
const slow = /long-running|toggle|reconnection|simulate-research|gzip/u;

/** Goes on with a call that needs an answer of the client's, in the way of 2026-07-28. */
async function answerInputs(ask: Ask, about: string, call: Params, first: Message): Promise<void> {
  let result = first.result as Params | undefined;
  for (let round = 1; round <= 3 && result?.['resultType'] === 'input_required'; round++) {
    const requests = Object.entries((result['inputRequests'] ?? {}) as Record<string, { method?: string }>);
    const inputResponses = Object.fromEntries(requests.map(([key, { method }]) => [key, resultOf(method)]));
    const { requestState } = result;
    const again = { ...call, inputResponses, ...(requestState !== undefined && { requestState }) };
    result = (await ask(`${about}, round ${round + 1}`, 'tools/call', again)).result as Params | undefined;
  }
}

function listed(message: Message, member: string): readonly unknown[] {
  return ((message.result as Params | undefined)?.[member] ?? []) as readonly unknown[];
}

/** Arguments that fit a schema, as far as it is a simple one. */
function argumentsFor(schema: Params | undefined): Params {
  const { properties = {}, required = [] } = (schema ?? {}) as {
    properties?: Record<
      string,
      { type?: string; enum?: unknown[]; default?: unknown; 'x-mcp-header'?: string }
    >;
    required?: string[];
  };
  return Object.fromEntries(
    required.map((name) => {
      const { type, enum: values, default: usual, 'x-mcp-header': header } = properties[name] ?? {};
      // A header has no room for what is awkward: how it is written there is tested where it is written.
      if (header !== undefined) return [name, 'ahoy'];
      const value =
        usual ?? values?.[0] ?? { number: 1, integer: 1, boolean: true, array: [], object: {} }[type ?? ''];
      return [name, value ?? awkward];
    }),
  );
}
