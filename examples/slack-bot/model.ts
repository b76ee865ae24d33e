/** One turn of a conversation. JSON: it waits in the store while somebody signs in. */
export type Message =
  | { readonly from: 'person'; readonly text: string }
  | { readonly from: 'model'; readonly text: string; readonly calls: readonly ToolCall[] }
  | { readonly from: 'tool'; readonly callId: string; readonly text: string };

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** What a model is given. */
export interface Prompt {
  readonly instructions: string;
  readonly messages: readonly Message[];
  readonly tools: readonly { name: string; description: string; inputSchema: object }[];
}

/** What it wants to be called, or else its answer. */
export type Model = (prompt: Prompt) => Promise<{ text: string; calls: readonly ToolCall[] }>;
