import type { Readable, Writable } from 'node:stream';
import { OpenRequests, type Caller } from './caller.ts';

/** Speaks with a server over stdio, with nothing between it and the lines. */
export class LineCaller implements Caller {
  readonly #requests = new OpenRequests();
  readonly #input: Writable;

  constructor(input: Writable, output: Readable) {
    this.#input = input;
    input.on('error', (error) => this.#requests.end(error));
    let rest = '';
    output.setEncoding('utf8');
    output.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') this.#requests.hear(line);
    });
    output.once('close', () => this.#requests.end(new Error('the server has closed its output')));
  }

  request(method: string, params: object = {}): Promise<unknown> {
    const { id, answer } = this.#requests.open();
    this.#input.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    return answer;
  }

  async notify(method: string, params: object = {}): Promise<void> {
    this.#input.write(`${JSON.stringify({ jsonrpc: '2.0', method, params })}\n`);
  }

  heard(): number {
    return this.#requests.notifications;
  }
}
