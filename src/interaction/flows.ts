import { PosternError } from '../core/postern-error.ts';
import type { CredentialKind } from './credential-kind.ts';
import type { Flow, NamedFlow } from './flow.ts';

/** The flows that a process can carry on, by name. */
export class Flows {
  readonly #leaseMs: number;
  readonly #flows = new Map<string, Flow>();

  /** @param leaseMs how long a process has for one request of a flow, and for saving what came of it. */
  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the name is taken, or its requests outlast a lease. */
  add<C, S>(name: string, flow: Flow<C, S>): NamedFlow<C, S> {
    if (this.#flows.has(name)) throw misconfigured(`there is a flow ${JSON.stringify(name)} already`);
    const { requestMs = 0 } = flow;
    // Who takes longer counts as dead, and another sends the same.
    if (this.#leaseMs <= 2 * requestMs) {
      throw misconfigured(
        `"leaseMs" is ${this.#leaseMs}, and must be more than twice the ${requestMs} ms that one request of the flow ${JSON.stringify(name)} may take`,
        'Raise "leaseMs", or lower the time-out of requests to authorization servers.',
      );
    }
    this.#flows.set(name, flow);
    return { name, flow };
  }

  find(name: string): Flow | undefined {
    return this.#flows.get(name);
  }

  /** The kind of credential that one of them leads to. */
  findKind(name: string): CredentialKind | undefined {
    for (const { credential } of this.#flows.values()) if (credential.name === name) return credential;
    return undefined;
  }
}

/** Of a flow that this process does not know. */
export function unknownFlow(name: string): PosternError {
  return misconfigured(
    `no flow ${JSON.stringify(name)} in this process`,
    'Register the same flows in every process that serves pages.',
  );
}

function misconfigured(message: string, hint?: string): PosternError {
  return new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', message, { hint });
}
