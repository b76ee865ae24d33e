import type {
  CallToolResult,
  GetPromptResult,
  InputRequiredResult,
  ReadResourceCallback,
  ReadResourceResult,
  ReadResourceTemplateCallback,
  ServerContext,
  Variables,
} from '@modelcontextprotocol/server';
import { errorAnswers, toolAnswers, type CallAnswers } from './call-answers.ts';
import { answerCall, type CallServices, type ToolOptions } from './call.ts';
import type { ToolContext } from './handler-run.ts';

export type ToolHandler<Args> = (
  args: Args,
  context: ToolContext,
) => Promise<CallToolResult> | CallToolResult;

export type PromptHandler<Args> = (
  args: Args,
  context: ToolContext,
) => Promise<GetPromptResult> | GetPromptResult;

/** Of one address, or of all that a template stands for. */
export type ResourceHandler = (
  uri: URL,
  context: ToolContext,
) => Promise<ReadResourceResult> | ReadResourceResult;
export type ResourceTemplateHandler = (
  uri: URL,
  variables: Variables,
  context: ToolContext,
) => Promise<ReadResourceResult> | ReadResourceResult;

/** What `registerTool` and `registerPrompt` take, with arguments and without. */
export type Callback<Args, R> = ((args: Args, context: ServerContext) => Promise<R | InputRequiredResult>) &
  ((context: ServerContext) => Promise<R | InputRequiredResult>);

export type ToolResult = CallToolResult | InputRequiredResult;
export type ToolCallback<Args> = Callback<Args, CallToolResult>;
export type PromptCallback<Args> = Callback<Args, GetPromptResult>;

/** See `Oob.tool`. */
export function createTool<Args>(
  services: CallServices,
  handler: ToolHandler<Args>,
  options?: ToolOptions,
): ToolCallback<Args> {
  return createCallback(services, { method: 'tools/call', handler, answers: toolAnswers }, options);
}

/** See `Oob.prompt`. */
export function createPrompt<Args>(
  services: CallServices,
  handler: PromptHandler<Args>,
  options?: ToolOptions,
): PromptCallback<Args> {
  return createCallback(services, { method: 'prompts/get', handler, answers: errorAnswers }, options);
}

/** See `Oob.resource`. */
export function createResource(
  services: CallServices,
  handler: ResourceHandler | ResourceTemplateHandler,
  options?: ToolOptions,
): ReadResourceCallback & ReadResourceTemplateCallback {
  return async (
    uri: URL,
    ...rest: [context: ServerContext] | [variables: Variables, context: ServerContext]
  ) => {
    const [variables, mcp] = rest.length === 1 ? [undefined, rest[0]] : rest;
    const run = (context: ToolContext) =>
      variables === undefined
        ? (handler as ResourceHandler)(uri, context)
        : (handler as ResourceTemplateHandler)(uri, variables, context);
    const request = { mcp, args: uri.href, method: 'resources/read', handler: run, answers: errorAnswers };
    return answerCall<ReadResourceResult>(services, request, options);
  };
}

function createCallback<Args, R>(
  services: CallServices,
  sort: {
    readonly method: string;
    readonly handler: (args: Args, context: ToolContext) => Promise<R> | R;
    readonly answers: CallAnswers<R>;
  },
  options: ToolOptions | undefined,
): Callback<Args, R> {
  return async (...call: [args: Args, context: ServerContext] | [context: ServerContext]) => {
    const [args, mcp] = call.length === 1 ? [{} as Args, call[0]] : call;
    const handler = (context: ToolContext): Promise<R> | R => sort.handler(args, context);
    return answerCall(services, { ...sort, mcp, args, handler }, options);
  };
}
