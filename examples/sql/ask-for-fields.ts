import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  inputRequired,
  type CallToolResult,
  type ClientCapabilities,
  type InputRequiredResult,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { loginForm, openFields } from './login.ts';

const key = 'connection';

/** What came of it: what the person entered, or the answer of this round of the call. */
export type AskedFields =
  | { readonly fields: Readonly<Record<string, unknown>> }
  | { readonly answer: CallToolResult | InputRequiredResult };

/**
 * Asks for what is missing of a connection in a form of the client, which may see all of it.
 *
 * The password is not among it: a form of the client is no place for a secret.
 */
export async function askForFields(
  server: McpServer,
  args: Readonly<Record<string, unknown>>,
  { mcpReq }: ServerContext,
): Promise<AskedFields> {
  const missing = openFields.filter((field) => args[field] === undefined && field !== 'port');
  // With a request state the form was sent in already: the call has got as far as the password.
  if (missing.length === 0 || mcpReq.requestState() !== undefined || args['password'] !== undefined)
    return { fields: {} };
  const answered = mcpReq.inputResponses?.[key];
  if (answered !== undefined) {
    const content = acceptedContent(mcpReq.inputResponses, key);
    return content === undefined
      ? { answer: failed('Nothing was added: the form was declined.') }
      : { fields: content };
  }
  if (!takesForms(server, mcpReq.envelope)) {
    return { answer: failed(`Call again with the arguments ${missing.join(', ')}.`) };
  }
  const properties = Object.fromEntries(
    missing.map((field) => [
      field,
      { type: 'string' as const, title: loginForm.properties[field]?.title ?? field },
    ]),
  );
  const form = inputRequired.elicit({
    message: `Which database is "${String(args['name'])}"? The password is asked for on a page afterwards.`,
    requestedSchema: {
      type: 'object',
      properties: {
        ...properties,
        port: { type: 'integer', title: 'Port', default: 5432, minimum: 1, maximum: 65_535 },
      },
      required: missing,
    },
  });
  return { answer: inputRequired({ inputRequests: { [key]: form } }) };
}

/** In the older revision the session has said it, in the newer one each call does. */
function takesForms(server: McpServer, envelope: unknown): boolean {
  const stated = (envelope as Readonly<Record<string, unknown>> | undefined)?.[CLIENT_CAPABILITIES_META_KEY];
  const capabilities = (stated as ClientCapabilities | undefined) ?? server.server.getClientCapabilities();
  const { elicitation } = capabilities ?? {};
  // One that names no mode means forms.
  return elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined);
}

function failed(text: string): CallToolResult {
  return { isError: true, content: [{ type: 'text', text }] };
}
