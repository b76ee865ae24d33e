import type { Session } from '../client/session/session.ts';
import { withServer, type LoginOptions } from './asked-or-not.ts';
import { noSuchTool } from './no-such-tool.ts';
import type { Output } from './output.ts';
import type { CommandContext } from './run-command.ts';
import { serverLine, serverText } from './server-text.ts';

export type ListToolsOptions = LoginOptions;

/** A tool, as its server describes it. */
export type Tool = Awaited<ReturnType<Session['listTools']>>[number];

/** Tells which tools a server has, or what one of them takes. */
export async function listTools(
  target: string,
  tool: string | undefined,
  options: ListToolsOptions,
  context: CommandContext,
): Promise<void> {
  await withServer(target, options, context, async ({ session, server }) => {
    const tools = await session.listTools();
    const chosen = tool === undefined ? tools : tools.filter(({ name }) => name === tool);
    if (tool !== undefined && chosen.length === 0) throw noSuchTool(tool, server.name, tools);
    const { output } = context;
    output.answer({ server: server.name, tools: chosen }, () => {
      if (tool !== undefined) return chosen.map((one) => describeWhole(one, output)).join('\n');
      if (chosen.length === 0) return `${server.name} has no tools.`;
      return chosen.map((one) => describe(one, output)).join('\n');
    });
  });
}

function describe(tool: Tool, output: Output): string {
  const said = serverLine(tool.title ?? tool.description ?? '', 100);
  const head = `${output.styled('strong', serverLine(tool.name, 200))}${parametersOf(tool)}`;
  return said === '' ? head : `${head}\n  ${output.styled('quiet', said)}`;
}

/** Its parameters in short: those that may be left out with a question mark. */
function parametersOf({ inputSchema: { properties = {}, required = [] } }: Tool): string {
  const names = Object.keys(properties);
  const shown = names.map((name) => `${serverLine(name, 60)}${required.includes(name) ? '' : '?'}`);
  return names.length === 0 ? '' : ` ${shown.join(' ')}`;
}

function describeWhole(tool: Tool, output: Output): string {
  const { name, title, description, inputSchema, outputSchema } = tool;
  const schema = (of: unknown): string => serverText(JSON.stringify(of, undefined, 2));
  return [
    output.styled('strong', serverLine(name, 200)),
    ...(title === undefined ? [] : [serverLine(title, 200)]),
    ...(description === undefined ? [] : ['', serverText(description)]),
    '',
    output.styled('quiet', 'takes'),
    schema(inputSchema),
    ...(outputSchema === undefined ? [] : ['', output.styled('quiet', 'answers'), schema(outputSchema)]),
  ].join('\n');
}
