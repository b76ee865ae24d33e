import type {
  JSONRPCMessage,
  JSONRPCRequest,
  RequestId,
  Transport,
  TransportSendOptions,
} from '@modelcontextprotocol/client';
import { PosternError } from '../../core/postern-error.ts';

/** What a server said when it was asked to begin, as far as it is about the version of the protocol. */
export interface Greeting {
  /** The version that it answered with. */
  readonly protocolVersion?: unknown;
  /** Or the error. */
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** What was seen on the wire of one connection. */
export interface Wire {
  /** The version that the server was asked to begin with. */
  offered: unknown;
  greeting: Greeting | undefined;
}

/** Recognised by identity: no server can send it. */
const streamEnded = Object.freeze({ streamEnded: true });

type Deliver = NonNullable<Transport['onmessage']>;

/**
 * Has a transport say what the SDK's keep to themselves.
 *
 * A stream that ends before it has brought its answer fails that request at once, rather than when its time is over; so
 * does a body that breaks off. What a server answers to the handshake is noted.
 */
export function watchTransport(transport: Transport, server: string, onMessage: () => void = () => {}): Wire {
  const wire: Wire = { offered: undefined, greeting: undefined };
  let greetingId: RequestId | undefined;
  const send = transport.send.bind(transport);
  transport.send = async (message, options) => {
    if (!isRequest(message)) return send(message, options);
    if (message.method === 'initialize') {
      greetingId = message.id;
      wire.offered = message.params?.['protocolVersion'];
    }
    try {
      return await send(
        message,
        options?.onRequestStreamEnd ? options : noticingEnd(transport, message.id, options),
      );
    } catch (error) {
      if (error instanceof TypeError) throw brokeOff(server, error);
      throw error;
    }
  };
  observe(transport, (message) => {
    onMessage();
    if (greetingId === undefined || !('id' in message) || message.id !== greetingId) return;
    if ('result' in message) wire.greeting = { protocolVersion: message.result['protocolVersion'] };
    if ('error' in message) wire.greeting = { error: message.error };
  });
  return wire;
}

/** Whether a request failed because its stream ended. */
export function isStreamEnd(error: unknown): boolean {
  return (error as { data?: unknown } | undefined)?.data === streamEnded;
}

/** After the answer, nobody waits for it any more. */
function noticingEnd(
  transport: Transport,
  id: RequestId,
  options: TransportSendOptions | undefined,
): TransportSendOptions {
  return {
    ...options,
    onRequestStreamEnd: () =>
      transport.onmessage?.({
        jsonrpc: '2.0',
        id,
        error: { code: -32_000, message: 'the stream ended before the answer', data: streamEnded },
      }),
  };
}

function brokeOff(server: string, cause: TypeError): PosternError {
  return new PosternError(
    'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
    `the connection to ${JSON.stringify(server)} broke in the midst of an answer`,
    { cause, evidence: { mayHaveRun: true } },
  );
}

/** Sees every message that comes in before whoever is set to receive it. A transport that has its own way of being set is left alone. */
function observe(transport: Transport, see: (message: JSONRPCMessage) => void): void {
  for (let at: unknown = transport; at !== null; at = Object.getPrototypeOf(at)) {
    if (Object.getOwnPropertyDescriptor(at, 'onmessage')?.set !== undefined) return;
  }
  let deliver: Deliver | undefined = transport.onmessage;
  Object.defineProperty(transport, 'onmessage', {
    configurable: true,
    enumerable: true,
    get: () => deliver,
    set: (handler: Deliver | undefined) => {
      deliver =
        handler &&
        ((message, extra) => {
          see(message);
          handler(message, extra);
        });
    },
  });
}

function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return 'method' in message && 'id' in message;
}
