import { PosternError } from '../core/postern-error.ts';
import { serverLine } from './server-text.ts';

/** That a server has no such tool, with those that it has. */
export function noSuchTool(
  tool: string,
  server: string,
  tools: readonly { readonly name: string }[],
): PosternError {
  const names = tools.map(({ name }) => serverLine(name, 60));
  const shown = names.slice(0, 20).join(', ');
  return new PosternError(
    'ERR_POSTERN_CLIENT_TOOL_NOT_FOUND',
    `${JSON.stringify(server)} has no tool ${JSON.stringify(tool)}`,
    {
      hint:
        names.length === 0
          ? 'It has none at all.'
          : `It has: ${shown}${names.length > 20 ? `, and ${names.length - 20} more (\`postern tools\`)` : ''}.`,
    },
  );
}
