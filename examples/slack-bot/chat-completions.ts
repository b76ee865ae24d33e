import { z } from 'zod';
import type { Message, Model } from './model.ts';

const reply = z.object({
  choices: z
    .array(
      z.object({
        message: z.object({
          content: z.string().nullish(),
          tool_calls: z
            .array(
              z.object({ id: z.string(), function: z.object({ name: z.string(), arguments: z.string() }) }),
            )
            .nullish(),
        }),
      }),
    )
    .min(1),
});

const timeoutMs = 120_000;

/**
 * A model behind the Chat Completions API, which most providers have.
 *
 * @throws {Error} with the status, and nothing of the reply, when the model does not answer.
 */
export function chatCompletions({
  key,
  model,
  baseUrl,
}: {
  readonly key: string;
  readonly model: string;
  readonly baseUrl: string;
}): Model {
  return async ({ instructions, messages, tools }) => {
    const response = await fetch(`${baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model,
        messages: [{ role: 'system', content: instructions }, ...messages.map(toWire)],
        ...(tools.length > 0 && {
          tools: tools.map(({ name, description, inputSchema }) => ({
            type: 'function',
            function: { name, description, parameters: inputSchema },
          })),
        }),
      }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (!response.ok) throw new Error(`the model answered with status ${response.status}`);
    const [choice] = reply.parse(await response.json()).choices;
    return {
      text: choice?.message.content ?? '',
      calls: (choice?.message.tool_calls ?? []).map(({ id, function: { name, arguments: args } }) => ({
        id,
        name,
        args: argumentsIn(args),
      })),
    };
  };
}

function toWire(message: Message): object {
  switch (message.from) {
    case 'person':
      return { role: 'user', content: message.text };
    case 'tool':
      return { role: 'tool', tool_call_id: message.callId, content: message.text };
    case 'model':
      return {
        role: 'assistant',
        content: message.text,
        tool_calls: message.calls.map(({ id, name, args }) => ({
          id,
          type: 'function',
          function: { name, arguments: JSON.stringify(args) },
        })),
      };
  }
}

/** A model may write what is no JSON: the tool then refuses nothing at all, and says so. */
function argumentsIn(text: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch {
    return {};
  }
}
