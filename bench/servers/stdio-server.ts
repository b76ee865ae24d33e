import { answerMessage, type MinimalMcp, type RpcMessage } from '../../test/support/minimal-mcp.ts';

/** An MCP server of the 2025 era on stdio, as small as it can be; ends with its input. */

const echo: MinimalMcp = {
  name: 'bench',
  tools: [{ name: 'echo', description: 'Says what it is told.' }],
  call: ({ text }) => String(text),
};

let rest = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop() ?? '';
  const answers = lines.map((line) => answerMessage(JSON.parse(line) as RpcMessage, echo));
  const said = answers
    .filter((answer) => answer !== undefined)
    .map((answer) => `${JSON.stringify(answer)}\n`);
  if (said.length > 0) process.stdout.write(said.join(''));
});
process.stdin.on('close', () => process.exit(0));
