/**
 * What the examples of the documents leave out: the application around them. `npm run docs:check` compiles each example
 * with these names in scope, against the packed package. What an example declares or imports itself, it has of its own.
 */
import type { CallToolResult, McpServer } from '@modelcontextprotocol/server';
import type { Keyring, NamespaceProvider, StorageBackend } from 'postern';
import type { SlackMessages, SlackPlace } from 'postern/agents';
import type { AuthorizationRequiredError, ClientManager, RemoteAuthCoordinator } from 'postern/client';
import type { ClientIdentity, Discovery } from 'postern/oauth';
import type { NamedFlow, Oob, SecretVerdict } from 'postern/oob';
import type { RedisClientType } from 'redis';

interface Login {
  readonly user: string;
  readonly password: string;
}

type FetchHandler = (request: Request) => Promise<Response>;

declare global {
  // An application
  const app: { mount(path: string, handler: FetchHandler): void };
  const log: { warn(error: unknown): void };
  const origin: string;
  const publicUrl: string;
  const storage: StorageBackend;
  const keyring: Keyring;
  const userOfSession: (request: Request) => Promise<string | undefined>;
  const sessionOf: (request: Request) => Promise<{ userId: string } | undefined>;
  const verifyUser: (request: Request) => Promise<string | undefined>;

  // An agent's
  const servers: Record<string, { url: string }>;
  const coordinator: RemoteAuthCoordinator;
  const reply: (thread: string, result: CallToolResult) => Promise<void>;
  const tell: (thread: string, text: string) => Promise<void>;
  const ask: (question: string) => Promise<string>;
  const person: string;
  const user: string;
  const thread: string;
  const question: string;
  const manager: ClientManager;
  const model: object;
  const slack: SlackMessages;
  const post: (place: SlackPlace, text: string) => Promise<void>;
  const engine: { signal(key: string, outcome: object): Promise<void> };
  /** The step of guides/durable-engines.md. */
  const callTool: (
    user: string,
    key: string,
  ) => Promise<{ result: CallToolResult } | { waitsFor: string; untilMs: number }>;
  const required: AuthorizationRequiredError;

  // A server's
  const issuer: string;
  const clientId: string;
  const clientSecret: string;
  const subject: string;
  const audience: string;
  const namespaces: NamespaceProvider;
  const oob: Oob;
  const server: McpServer;
  const login: NamedFlow<Login>;
  const caller: { readonly token: string };
  const token: string;
  const signal: AbortSignal;
  const idFromPath: (request: Request) => string | undefined;
  const ping: (login: Login) => Promise<SecretVerdict>;
  const canLogIn: (host: string, password: string, signal: AbortSignal) => Promise<boolean>;
  const query: (connection: string, sql: string, password: string) => Promise<CallToolResult>;
  const mail: (to: string, text: string, key?: string) => Promise<void>;
  const readAll: (password: string) => Promise<string>;

  // A third party's authorization server
  const discovery: Discovery;
  const client: ClientIdentity;

  // Stores
  const connectionString: string;
  const redis: RedisClientType;
}
