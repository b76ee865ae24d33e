/** oidc-provider, with the part of its types that is used here. */
import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
// @ts-expect-error oidc-provider ships no types; the part of it used here is declared below.
import { errors as untypedErrors, Provider as UntypedProvider } from 'oidc-provider';

export interface ProviderContext {
  readonly oidc: {
    readonly params?: Readonly<Record<string, unknown>>;
    readonly result?: { readonly consent?: { readonly grantId?: string } };
  };
}

interface Interaction {
  readonly prompt: {
    readonly name: string;
    readonly details: {
      readonly missingOIDCScope?: readonly string[];
      readonly missingResourceScopes?: Readonly<Record<string, readonly string[]>>;
    };
  };
  readonly params: { readonly client_id: string; readonly redirect_uri: string };
  readonly session?: { readonly accountId: string };
}

interface Grant {
  addOIDCScope(scope: string): void;
  addResourceScope(resource: string, scope: string): void;
  save(): Promise<string>;
}

export interface Provider extends EventEmitter {
  callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
  interactionFinished(request: IncomingMessage, response: ServerResponse, result: object): Promise<void>;
  readonly Client: { find(id: string): Promise<{ readonly clientName?: string } | undefined> };
  readonly Grant: {
    new (owner: { accountId: string; clientId: string }): Grant;
    find(id: string): Promise<Grant | undefined>;
  };
}

export const Provider = UntypedProvider as new (issuer: string, configuration: object) => Provider;
export const errors = untypedErrors as Record<
  'InvalidTarget' | 'OIDCProviderError',
  new (detail?: string) => Error
>;
