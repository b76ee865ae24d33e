import {
  Client as SdkClient,
  isInputRequiredResult,
  type RequestOptions,
} from '@modelcontextprotocol/client';

import { singleUseState } from '../../interaction/single-use-state.ts';
import { sendWaiting } from './broken-wait.ts';

/** An answer of the revision 2026-07-28 that asks for something first. */
interface InputRequired {
  readonly kind: 'input_required';
  inputRequests: Record<string, unknown>;
  requestState?: string;
  _meta?: Readonly<Record<string, unknown>>;
}

/** What the SDK knows of the call; it exports no type for it. */
interface Flow {
  readonly options: RequestOptions | undefined;
  retry(params: Record<string, unknown> | undefined, options: RequestOptions): Promise<unknown>;
}

/** Is told what a server asks for in each round of a call, before it is done. The signal is the call's own. */
export type OnAsked = (signal: AbortSignal | undefined, inputRequests: Record<string, unknown>) => void;

/** The SDK's client, which says of which call something is asked: its handlers are not told. */
export class AskingClient extends SdkClient {
  readonly #server: string;
  readonly #onAsked: OnAsked;

  constructor(server: string, onAsked: OnAsked, ...options: ConstructorParameters<typeof SdkClient>) {
    super(...options);
    this.#server = server;
    this.#onAsked = onAsked;
  }

  protected override _resolveNonCompleteResult(decoded: InputRequired, flow: Flow): Promise<unknown> {
    const tell = (inputRequests: InputRequired['inputRequests'] | undefined): void =>
      this.#onAsked(flow.options?.signal, inputRequests ?? {});
    tell(decoded.inputRequests);
    let isSingleUse = decoded._meta?.[singleUseState] === true;
    const retry: Flow['retry'] = async (params, options) => {
      const send = (): Promise<unknown> => flow.retry(params, options);
      const isWaiting = params?.['requestState'] !== undefined;
      const { signal } = flow.options ?? {};
      const result = await (isWaiting
        ? sendWaiting({ server: this.#server, send, isSingleUse, signal })
        : send());
      if (isInputRequiredResult(result)) {
        tell(result.inputRequests);
        isSingleUse = result._meta?.[singleUseState] === true;
      }
      return result;
    };
    return super._resolveNonCompleteResult(decoded, { ...flow, retry } as never);
  }
}
