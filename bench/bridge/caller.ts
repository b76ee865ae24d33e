/** Sends requests of the 2025 era to a server, however it is reached. */
export interface Caller {
  request(method: string, params?: object): Promise<unknown>;
  notify(method: string, params?: object): Promise<void>;
  /** Notifications heard so far. */
  heard(): number;
}

interface Message {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** What has been asked and not been answered yet. */
export class OpenRequests {
  readonly #open = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #next = 1;
  notifications = 0;

  open(): { readonly id: number; readonly answer: Promise<unknown> } {
    const id = this.#next++;
    const answer = new Promise<unknown>((resolve, reject) => this.#open.set(id, { resolve, reject }));
    return { id, answer };
  }

  /** Settles what a message answers. */
  hear(text: string): void {
    const { id, result, error } = JSON.parse(text) as Message;
    const asked = id === undefined ? undefined : this.#open.get(id);
    if (id === undefined || asked === undefined) {
      this.notifications++;
      return;
    }
    this.#open.delete(id);
    if (error === undefined) asked.resolve(result);
    else asked.reject(new Error(JSON.stringify(error)));
  }

  /** Fails whatever is left. */
  end(error: Error): void {
    for (const { reject } of this.#open.values()) reject(error);
    this.#open.clear();
  }
}

/** The first words of a client; the answer to them is the first that a host sees. */
export async function initialize(caller: Caller): Promise<void> {
  await caller.request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'bench', version: '1.0.0' },
  });
}

/** Goes on from `initialize` until all servers have listed their tools, and one has answered. */
export async function firstCall(caller: Caller, servers: number): Promise<void> {
  await caller.notify('notifications/initialized');
  const giveUpAt = performance.now() + 30_000;
  for (;;) {
    // A server that answers before it has reached anybody lists its tools a moment later.
    const { tools } = (await caller.request('tools/list')) as { tools: { name: string }[] };
    const echoes = tools.filter(({ name }) => name.endsWith('echo'));
    if (echoes.length >= servers) return echo(caller, 'ahoy', echoes[0]?.name);
    if (performance.now() > giveUpAt) throw new Error('the tools were not listed within 30 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Calls the tool that says what it is told. @throws {Error} when it says anything else. */
export async function echo(caller: Caller, text: string, name = 'echo'): Promise<void> {
  const result = (await caller.request('tools/call', { name, arguments: { text } })) as {
    content?: { text?: string }[];
  };
  if (result.content?.[0]?.text !== text)
    throw new Error(`answered with ${JSON.stringify(result).slice(0, 300)}`);
}
