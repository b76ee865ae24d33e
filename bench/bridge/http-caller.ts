import { Agent, request as send, type IncomingMessage } from 'node:http';
import { OpenRequests, type Caller } from './caller.ts';

/** Speaks Streamable HTTP of the 2025 era by bare requests over connections that are kept. */
export class HttpCaller implements Caller {
  readonly #requests = new OpenRequests();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #url: string;
  #session: string | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  async request(method: string, params: object = {}): Promise<unknown> {
    const { id, answer } = this.#requests.open();
    answer.catch(() => {});
    await this.#post({ jsonrpc: '2.0', id, method, params });
    return answer;
  }

  async notify(method: string, params: object = {}): Promise<void> {
    await this.#post({ jsonrpc: '2.0', method, params });
  }

  heard(): number {
    return this.#requests.notifications;
  }

  close(): void {
    this.#agent.destroy();
  }

  async #post(message: object): Promise<void> {
    const body = JSON.stringify(message);
    const response = await new Promise<IncomingMessage>((resolve, reject) =>
      send(
        this.#url,
        {
          method: 'POST',
          agent: this.#agent,
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            accept: 'application/json, text/event-stream',
            ...(this.#session !== undefined && {
              'mcp-session-id': this.#session,
              'mcp-protocol-version': '2025-11-25',
            }),
          },
        },
        resolve,
      )
        .once('error', reject)
        .end(body),
    );
    const session = response.headers['mcp-session-id'];
    if (typeof session === 'string') this.#session = session;
    let text = '';
    response.setEncoding('utf8');
    for await (const chunk of response) text += String(chunk);
    if ((response.statusCode ?? 500) >= 400)
      throw new Error(`HTTP ${response.statusCode}: ${text.slice(0, 300)}`);
    if (response.headers['content-type']?.startsWith('text/event-stream') === true) {
      for (const [, data = ''] of text.matchAll(/^data: ?(\{.*)$/gmu)) this.#requests.hear(data);
    } else if (text !== '') {
      this.#requests.hear(text);
    }
  }
}
