import { metaKeys, modernVersion } from '../../wire/eras/envelope.ts';
import { MirroredCatalogue } from './mirrored-catalogue.ts';
import type { Child, ChildWant } from '../child/child.ts';
import { childFailed } from '../child/child-failed.ts';
import type { ChildSupply } from '../child/child-supply.ts';
import { ChildRefusal } from '../child/initialize-child.ts';
import { textOf, type Call, type ServerLink } from '../child/server-link.ts';
import {
  errorText,
  isObject,
  rpcCodes,
  type ErrorMessage,
  type RequestMessage,
  type ResultMessage,
} from '../../wire/message.ts';
import { CallAnswer, type StreamTimes } from './call-answer.ts';
import { callFailure } from './call-failure.ts';
import { TranslatedRequests } from './translated-requests.ts';
import type { OutgoingConnection } from './event-stream.ts';
import { compareParamHeaders } from './param-headers.ts';
import { errorAnswer, statusOfError, type HttpAnswer, type RequestHeaders } from './http-answer.ts';

export interface ModernRequestsOptions {
  readonly supply: ChildSupply;
  readonly times: StreamTimes;
  /** How long a child has to get ready. */
  readonly startMs: number;
  readonly clientInfo: { readonly name: string; readonly version: string };
}

/** How long it is believed that the server speaks older revisions only: it may have been slow, or have been replaced. */
const verdictMs = 5 * 60_000;
/** What a child that does not know the question makes of it is often nothing. */
const probeMs = 10_000;
const callsNote = 'calls';

/** Requests of the revision 2026-07-28, each by itself: one child answers all of a user. */
export class ModernRequests {
  readonly #options: ModernRequestsOptions;
  readonly #translated: TranslatedRequests;
  #legacyUntilMs = 0;

  constructor(options: ModernRequestsOptions) {
    this.#options = options;
    this.#translated = new TranslatedRequests(options);
  }

  async call(
    message: RequestMessage,
    user: string,
    headers: RequestHeaders,
    connection: OutgoingConnection,
  ): Promise<HttpAnswer> {
    const { id } = message;
    if (performance.now() < this.#legacyUntilMs) return this.#translated.call(message, user, connection);
    let child: Child;
    try {
      child = await this.#options.supply.get(this.#want(user));
    } catch (error) {
      if (!(error instanceof ChildRefusal)) return callFailure(error, id);
      this.#legacyUntilMs = performance.now() + verdictMs;
      return this.#translated.call(message, user, connection);
    }
    const { link } = child;
    const full = link.fullBecause;
    if (full !== undefined)
      return errorAnswer(503, { code: rpcCodes.serverError, message: full }, id, { 'retry-after': '1' });
    if (message.method === 'tools/call') {
      const refused = await this.#compareParams(child, message, headers);
      if (refused !== undefined) return refused;
    }
    const answer = new CallAnswer({
      id,
      connection,
      times: this.#options.times,
      statusOf: (answered) => (answered.kind === 'error' ? statusOfError(answered.error.code) : 200),
      // In this revision, whoever closes the connection cancels the request.
      onOver: (how) => {
        calls.delete(answer);
        if (how === 'gone') call?.cancel();
      },
    });
    const calls = this.#callsOf(child);
    calls.add(answer);
    const call: Call | undefined = link.call(message, answer);
    if (connection.gone) call.cancel();
    return answer.response;
  }

  /** The calls that a child answers just now; what it says without naming one goes to the only one, if there is but one. */
  #callsOf(child: Child): Set<CallAnswer> {
    const known = child.notes.get(callsNote) as Set<CallAnswer> | undefined;
    if (known !== undefined) return known;
    const calls = new Set<CallAnswer>();
    child.notes.set(callsNote, calls);
    this.#options.supply.join(child, {
      keeps: false,
      heard: (message) => {
        if (message.kind === 'request') {
          const error = {
            code: rpcCodes.methodNotFound,
            message: 'in this revision a server asks nothing by itself',
          };
          return void child.link.hand(errorText(message.id, error));
        }
        const [only] = calls;
        return only !== undefined && calls.size === 1 ? only.event(textOf(message)) : undefined;
      },
    });
    return calls;
  }

  /** The child of older revisions that answers a user where there is none of this one. */
  legacyWant(user: string): Promise<ChildWant> {
    return this.#translated.want(user);
  }

  #want(user: string): ChildWant {
    return { key: `${user} modern`, user, open: (link) => this.#open(link) };
  }

  /** Asks for what the server can do, which no server of an older revision knows. */
  async #open(link: ServerLink): Promise<unknown> {
    const params = {
      _meta: {
        [metaKeys.version]: modernVersion,
        [metaKeys.capabilities]: {},
        [metaKeys.clientInfo]: this.#options.clientInfo,
      },
    };
    let answer: ResultMessage | ErrorMessage;
    try {
      answer = await link.ask('server/discover', params, Math.min(probeMs, this.#options.startMs));
    } catch {
      throw new ChildRefusal({
        code: rpcCodes.unsupportedVersion,
        message: 'server/discover was not answered',
      });
    }
    if (answer.kind === 'error') {
      // One that ends over it may be of an older revision, or broken: the older revision's handshake will tell.
      throw link.ended && answer.error.code === rpcCodes.serverError
        ? childFailed(answer.error.message)
        : new ChildRefusal(answer.error);
    }
    const { result } = answer;
    const versions = isObject(result) ? result['supportedVersions'] : undefined;
    if (Array.isArray(versions) && versions.includes(modernVersion)) return result;
    throw new ChildRefusal({
      code: rpcCodes.unsupportedVersion,
      message: 'the server names other revisions',
    });
  }

  async #compareParams(
    child: Child,
    message: RequestMessage,
    headers: RequestHeaders,
  ): Promise<HttpAnswer | undefined> {
    const catalogue = MirroredCatalogue.of(child);
    const compare = async (again: boolean) =>
      compareParamHeaders(
        await catalogue.parametersFor(message, { again }),
        message.params?.['arguments'],
        headers,
      );
    // The tools may have changed since they were listed here.
    const refused = (await compare(false)) && (await compare(true));
    return refused && errorAnswer(refused.status, refused.error, message.id);
  }
}
