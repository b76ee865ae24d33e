import type { Session } from '../client/session/session.ts';
import { withServer, type LoginOptions } from './asked-or-not.ts';
import { exitCodes } from './exit-codes.ts';
import { noSuchTool } from './no-such-tool.ts';
import type { Output } from './output.ts';
import type { CommandContext } from './run-command.ts';
import { saveFile } from './save-file.ts';
import { serverLine, serverText } from './server-text.ts';
import { readArguments, type ArgumentOptions } from './tool-arguments.ts';

export interface CallOptions extends LoginOptions, ArgumentOptions {
  readonly out?: string | undefined;
}

/** What a tool answers. */
type ToolResult = Awaited<ReturnType<Session['callTool']>>;
type Block = ToolResult['content'][number];

/** Calls a tool, and tells what it answers. @returns the exit code. */
export async function callTool(
  target: string,
  name: string,
  options: CallOptions,
  context: CommandContext,
): Promise<number> {
  const { output } = context;
  return withServer(target, options, context, async ({ session, server }) => {
    const tools = await session.listTools();
    const tool = tools.find((one) => one.name === name);
    if (tool === undefined) throw noSuchTool(name, server.name, tools);
    const args = await readArguments(options, tool);
    const progress = output.progress(name);
    const result = await session
      .callTool(name, args, {
        ...(options.timeout !== undefined && { timeout: options.timeout, resetTimeoutOnProgress: true }),
        onprogress: ({ progress: done, total, message = '' }) =>
          progress.show(`${stepOf(done, total)} ${serverLine(message, 200)}`.trim()),
      })
      .finally(() => progress.end());
    // Whoever reads JSON has what files would hold, unless they want them.
    const saves = !output.json || options.out !== undefined;
    const shown = result.content.map((block) =>
      show(block, saves ? { folder: options.out ?? '.', name } : undefined),
    );
    const files = shown.flatMap(({ file }) => file ?? []);
    output.answer({ ...result, ...(files.length > 0 && { files }) }, () => textOf(result, shown, output));
    return result.isError === true ? exitCodes.toolFailed : exitCodes.ok;
  });
}

function stepOf(done: number, total: number | undefined): string {
  return total === undefined || total <= 0 ? String(done) : `${Math.round((done / total) * 100)} %`;
}

/** One part of an answer: its text, or the file that it was written to. */
interface Shown {
  readonly text?: string;
  readonly file?: string;
}

/** @param to where files are written; left out: nowhere. */
function show(block: Block, to: { readonly folder: string; readonly name: string } | undefined): Shown {
  const save = (data: string, mimeType: string | undefined): Shown =>
    to === undefined ? {} : { file: saveFile(to.folder, to.name, mimeType, data) };
  switch (block.type) {
    case 'text':
      return { text: block.text };
    case 'image':
    case 'audio':
      return save(block.data, block.mimeType);
    case 'resource_link':
      return { text: `${block.title ?? block.name}: ${block.uri}` };
    case 'resource': {
      const { resource } = block;
      return 'text' in resource ? { text: resource.text } : save(resource.blob, resource.mimeType);
    }
  }
}

function textOf({ structuredContent, isError }: ToolResult, shown: readonly Shown[], output: Output): string {
  const texts = shown.map(({ text, file }) => text ?? file).filter((text) => text !== undefined);
  // As a rule the text says the same in words.
  if (texts.length === 0 && structuredContent !== undefined) {
    texts.push(JSON.stringify(structuredContent, undefined, 2));
  }
  const text = texts.join('\n');
  const safe = process.stdout.isTTY ? serverText(text) : text;
  return isError === true ? output.styled('bad', safe) : safe;
}
