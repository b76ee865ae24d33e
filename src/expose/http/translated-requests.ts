import { hashId } from '../../core/random.ts';
import type { Child, ChildWant } from '../child/child.ts';
import type { ChildSupply } from '../child/child-supply.ts';
import { ChildRefusal, initializeChild } from '../child/initialize-child.ts';
import type { Call } from '../child/server-link.ts';
import { metaKeys, unveloped } from '../../wire/eras/envelope.ts';
import { toDiscoverResult, toInitializeParams } from '../../wire/eras/greetings.ts';
import {
  isObject,
  resultText,
  rpcCodes,
  type ErrorMessage,
  type RequestMessage,
  type ResultMessage,
} from '../../wire/message.ts';
import { CallAnswer, type StreamTimes } from './call-answer.ts';
import { callFailure } from './call-failure.ts';
import type { OutgoingConnection } from './event-stream.ts';
import { errorAnswer, jsonAnswer, statusOfError, type HttpAnswer } from './http-answer.ts';
import { legacyVersions } from './request-era.ts';
import { declinedIn, translateAnswer, withoutRetry } from './translated-answer.ts';
import { TranslatedListens } from './translated-listens.ts';

export interface TranslatedRequestsOptions {
  readonly supply: ChildSupply;
  readonly times: StreamTimes;
  readonly startMs: number;
  readonly clientInfo: { readonly name: string; readonly version: string };
}

/** Methods of the older revisions that the new one does not have. */
const gone: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
]);

/**
 * Requests of the revision 2026-07-28 at a child of older ones, of which one answers all of a user.
 *
 * The child is told of a client that can be asked for nothing: what it asked could not be told to belong to one of the
 * requests that it answers. A link that it wants somebody to open reaches them all the same (`-32042`), as input that is
 * required.
 */
export class TranslatedRequests {
  readonly #options: TranslatedRequestsOptions;

  constructor(options: TranslatedRequestsOptions) {
    this.#options = options;
  }

  async call(message: RequestMessage, user: string, connection: OutgoingConnection): Promise<HttpAnswer> {
    const { id, method } = message;
    if (gone.has(method)) return unknownMethod(id);
    let child: Child;
    try {
      child = await this.#options.supply.get(await this.want(user));
    } catch (error) {
      return error instanceof ChildRefusal ? unsupported(message) : callFailure(error, id);
    }
    const initialized = JSON.parse(child.opened as string) as { readonly result: unknown };
    if (method === 'server/discover') return jsonAnswer(resultText(id, toDiscoverResult(initialized.result)));
    const full = child.link.fullBecause;
    if (full !== undefined) {
      return errorAnswer(503, { code: rpcCodes.serverError, message: full }, id, { 'retry-after': '1' });
    }
    const { supply, times } = this.#options;
    if (method === 'subscriptions/listen') {
      const listens = TranslatedListens.of(child, supply, initialized.result);
      return listens.open(message, { connection, times });
    }
    const declined = declinedIn(message);
    if (declined)
      return errorAnswer(200, { code: rpcCodes.serverError, message: 'the user has declined' }, id);
    const answer = new CallAnswer({
      id,
      connection,
      times,
      statusOf: (answered) => (answered.kind === 'error' ? statusOfError(answered.error.code) : 200),
      onOver: (how) => void (how === 'gone' && call?.cancel()),
    });
    const sink = {
      event: (text: string) => answer.event(text),
      answer: (answered: ResultMessage | ErrorMessage, text: string) => {
        const translated = translateAnswer(answered, text, message, initialized.result);
        return answer.answer(translated.message, translated.text);
      },
    };
    const call: Call | undefined = child.link.call(withoutRetry(unveloped(message)), sink);
    if (connection.gone) call.cancel();
    return answer.response;
  }

  /** The child that answers a user so. */
  async want(user: string): Promise<ChildWant> {
    const { clientInfo, startMs } = this.#options;
    const params = toInitializeParams({ capabilities: {}, clientInfo });
    const message: RequestMessage = { kind: 'request', id: 'initialize', method: 'initialize', params };
    const key = `${user} translated ${await hashId(JSON.stringify(params))}`;
    return { key, user, open: (link) => initializeChild(link, message, startMs) };
  }
}

function unknownMethod(id: RequestMessage['id']): HttpAnswer {
  return errorAnswer(404, { code: rpcCodes.methodNotFound, message: 'Method not found' }, id);
}

function unsupported({ id, params }: RequestMessage): HttpAnswer {
  const meta = params?.['_meta'];
  const requested = isObject(meta) ? meta[metaKeys.version] : undefined;
  const data = { supported: legacyVersions, requested };
  return errorAnswer(
    400,
    { code: rpcCodes.unsupportedVersion, message: 'Unsupported protocol version', data },
    id,
  );
}
