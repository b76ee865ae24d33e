/**
 * The client that the MCP conformance suite tests: `src/client` as a program would use it, with a scripted
 * browser for the person. It connects, lists what there is and uses all of it.
 *
 * @see main.ts, which runs the suite against it
 */
import type { Tool } from '@modelcontextprotocol/client';
import { createCookieBrowser } from '../../demo/browser.ts';
import { Client, LocalAuthCoordinator, type ClientHandlers, type Session } from '../../src/client/index.ts';
import { answered, outcomeLine } from './expected-outcomes.ts';
import { sampleArguments } from './sample-arguments.ts';
import { authOf } from './scenario-auth.ts';
import { readScenarioRun, type ScenarioRun } from './scenario-context.ts';

/** The suite's name for a metadata document; its authorization servers do not fetch it. */
const clientMetadataUrl = 'https://conformance-test.local/client-metadata.json';

const handlers: ClientHandlers = {
  // Only what is required is filled in: the defaults of the rest are the client's to add.
  elicitation: (request) => ({
    action: 'accept',
    ...('requestedSchema' in request && {
      content: sampleArguments(request.requestedSchema) as Record<string, string | number | boolean>,
    }),
  }),
  sampling: () => ({ role: 'assistant', content: { type: 'text', text: 'sample' }, model: 'sample' }),
  roots: () => [],
};

/** What the person is doing. A program does not wait for that, but here its end is part of the result. */
const visits: Promise<void>[] = [];

await runScenario(readScenarioRun(process.argv, process.env));

async function runScenario(run: ScenarioRun): Promise<void> {
  const auth = await authOf(run);
  const coordinator = new LocalAuthCoordinator({ clientMetadataUrl, openBrowser });
  const client = new Client(
    { tested: { url: run.serverUrl, ...(auth && { auth }) } },
    { coordinator, handlers, versionNegotiation: 'auto', connectTimeoutMs: 60_000 },
  );
  let outcome: string;
  try {
    await client.connect();
    const session = client.session('tested');
    if (session.error !== undefined) throw session.error;
    assertEra(session, run.revision);
    await useTools(client, run);
    await useTheRest(client, session);
    outcome = answered;
  } catch (error) {
    outcome = codeOf(error);
    process.exitCode = 1;
    console.error(error);
  } finally {
    await Promise.all(visits);
    await client.close();
    await coordinator.close();
  }
  console.log(outcomeLine(outcome));
}

/** The client speaks both wires and finds out by itself which one the server does. */
function assertEra(session: Session, revision: string): void {
  const expected = revision >= '2026-07-28' ? 'modern' : 'legacy';
  const found = session.sdk?.getProtocolEra();
  if (found !== expected) throw new Error(`the client speaks the ${found} wire to a server of ${revision}`);
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' || typeof code === 'number' ? `${code}` : 'unknown';
}

/** Calls every tool, all at once: none may see what belongs to another. */
async function useTools(client: Client, { context }: ScenarioRun): Promise<void> {
  const tools = (await client.listTools()).map(({ tool }) => tool);
  const calls =
    context.toolCalls ?? tools.map((tool) => ({ name: tool.name, arguments: argumentsOf(tool, tools) }));
  const outcomes = await Promise.allSettled(
    calls.map(({ name, arguments: args }) => client.callTool(name, args, { server: 'tested' })),
  );
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

function argumentsOf(tool: Tool, tools: readonly Tool[]): Record<string, unknown> {
  const args = sampleArguments(tool.inputSchema);
  // This tool of the suite wants to see what is left of another one's schema.
  if (tool.name === 'json_schema_echo') {
    args['schema'] = tools.find(({ name }) => name !== tool.name)?.inputSchema;
  }
  return args;
}

async function useTheRest(client: Client, session: Session): Promise<void> {
  const offered = session.sdk?.getServerCapabilities();
  if (offered?.resources !== undefined) {
    for (const { resource } of await client.listResources()) {
      await client.readResource(resource.uri, { server: 'tested' });
    }
  }
  if (offered?.prompts !== undefined) {
    for (const { prompt } of await client.listPrompts()) {
      await client.getPrompt(prompt.name, undefined, { server: 'tested' });
    }
  }
}

/** The suite's authorization servers ask nothing, so following the link is all a person would do. */
function openBrowser(url: string): Promise<boolean> {
  const visit = createCookieBrowser()
    .signIn(url, { user: 'conformance' })
    .then(
      ({ status }) => console.log(`the browser ended at a page with status ${status}`),
      (error: unknown) => console.error('the browser failed:', error),
    );
  visits.push(visit);
  return Promise.resolve(true);
}
