import { z } from 'zod';

const toolCall = z.looseObject({
  name: z.string(),
  arguments: z.record(z.string(), z.unknown()).optional(),
});

const scenarioContext = z.looseObject({
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
  issuer: z.string().optional(),
  private_key_pem: z.string().optional(),
  signing_algorithm: z.string().optional(),
  valid_jwt: z.string().optional(),
  idp_client_id: z.string().optional(),
  idp_id_token: z.string().optional(),
  idp_issuer: z.string().optional(),
  idp_token_endpoint: z.string().optional(),
  toolCalls: z.array(toolCall).optional(),
});

/** What a scenario hands the client: credentials it is registered with, calls it has to make. */
export type ScenarioContext = z.infer<typeof scenarioContext>;

/** What the suite tells a client under test, by argument and environment. */
export interface ScenarioRun {
  readonly serverUrl: string;
  readonly scenario: string;
  /** The revision whose wire the scenario's server speaks. */
  readonly revision: string;
  readonly context: ScenarioContext;
}

/** Reads what the suite has passed to this process. */
export function readScenarioRun(argv: readonly string[], env: NodeJS.ProcessEnv): ScenarioRun {
  const serverUrl = argv.at(-1) ?? '';
  if (!URL.canParse(serverUrl))
    throw new TypeError('the last argument must be the URL of the server to test with');
  return {
    serverUrl,
    scenario: env.MCP_CONFORMANCE_SCENARIO ?? '',
    revision: env.MCP_CONFORMANCE_PROTOCOL_VERSION ?? '2025-11-25',
    context: scenarioContext.parse(JSON.parse(env.MCP_CONFORMANCE_CONTEXT ?? '{}')),
  };
}

/** @throws {TypeError} when the scenario has not passed the value that this run cannot do without. */
export function required(context: ScenarioContext, name: keyof ScenarioContext): string {
  const value = context[name];
  if (typeof value === 'string') return value;
  throw new TypeError(`the scenario has passed no ${JSON.stringify(name)}`);
}
