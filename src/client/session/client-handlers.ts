import type {
  Client as SdkClient,
  ClientCapabilities,
  ClientContext,
  CreateMessageRequest,
  CreateMessageResult,
  ElicitRequest,
  ElicitResult,
  ListRootsResult,
} from '@modelcontextprotocol/client';

/** Which server a request or notification came from. */
export interface FromServer {
  readonly server: string;
  readonly contextId: string;
}

/** What a host answers to servers that ask something back. A capability is declared only when its handler is given. */
export interface ClientHandlers {
  /** Asks the person. For URL mode: show the whole URL and the server's name, and open it only with consent. */
  readonly elicitation?:
    | ((
        request: ElicitRequest['params'],
        from: FromServer,
        context: ClientContext,
      ) => ElicitResult | Promise<ElicitResult>)
    | undefined;
  /** Which modes `elicitation` can do. Default: both. */
  readonly elicitationModes?: readonly ('form' | 'url')[] | undefined;
  readonly sampling?:
    | ((
        request: CreateMessageRequest['params'],
        from: FromServer,
        context: ClientContext,
      ) => CreateMessageResult | Promise<CreateMessageResult>)
    | undefined;
  readonly roots?:
    | ((from: FromServer) => ListRootsResult['roots'] | Promise<ListRootsResult['roots']>)
    | undefined;
  /** Every notification no other part of the client consumes. */
  readonly notification?:
    | ((notification: { method: string; params?: unknown }, from: FromServer) => void | Promise<void>)
    | undefined;
}

/** The capabilities that follow from the handlers given. */
export function capabilitiesOf(handlers: ClientHandlers): ClientCapabilities {
  const modes = handlers.elicitationModes ?? ['form', 'url'];
  return {
    ...(handlers.elicitation && {
      elicitation: {
        ...(modes.includes('form') && { form: { applyDefaults: true } }),
        ...(modes.includes('url') && { url: {} }),
      },
    }),
    ...(handlers.sampling && { sampling: {} }),
    ...(handlers.roots && { roots: {} }),
  };
}

/** Registers the handlers with one connection's SDK client. */
export function installHandlers(client: SdkClient, handlers: ClientHandlers, from: FromServer): void {
  const { elicitation, sampling, roots, notification } = handlers;
  if (elicitation) {
    client.setRequestHandler('elicitation/create', (request, context) =>
      elicitation(request.params, from, context),
    );
  }
  if (sampling) {
    client.setRequestHandler('sampling/createMessage', (request, context) =>
      sampling(request.params, from, context),
    );
  }
  if (roots) client.setRequestHandler('roots/list', async () => ({ roots: await roots(from) }));
  if (notification) {
    client.fallbackNotificationHandler = async (received) => {
      await notification(received, from);
    };
  }
}
