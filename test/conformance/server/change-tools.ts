import type { McpServer } from '@modelcontextprotocol/server';
import { textResult } from './text-result.ts';

/** The part of the server that its own tools change, for every client at once. */
export interface Changes {
  tool: boolean;
  prompt: boolean;
  /** Tells the clients that listen. */
  announce(what: 'tools' | 'prompts', server: McpServer): void;
}

/** Tools that change what the server has to offer. */
export function registerChangeTools(server: McpServer, changes: Changes): void {
  server.registerTool('test_trigger_tool_change', { description: 'Adds or removes a tool' }, () => {
    changes.tool = !changes.tool;
    changes.announce('tools', server);
    return textResult(changes.tool ? 'There is one tool more.' : 'There is one tool less.');
  });
  server.registerTool('test_trigger_prompt_change', { description: 'Adds or removes a prompt' }, () => {
    changes.prompt = !changes.prompt;
    changes.announce('prompts', server);
    return textResult(changes.prompt ? 'There is one prompt more.' : 'There is one prompt less.');
  });
  if (changes.tool) {
    server.registerTool('test_sometimes', { description: 'There at times' }, () => textResult('Here I am.'));
  }
  if (changes.prompt) {
    server.registerPrompt('test_sometimes', { description: 'There at times' }, () => ({
      messages: [{ role: 'user', content: { type: 'text', text: 'Here I am.' } }],
    }));
  }
}
