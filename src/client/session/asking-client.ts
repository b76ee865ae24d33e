import {
  Client as SdkClient,
  isInputRequiredResult,
  type RequestOptions,
} from '@modelcontextprotocol/client';

/** An answer of the revision 2026-07-28 that asks for something first. */
interface InputRequired {
  readonly kind: 'input_required';
  inputRequests: Record<string, unknown>;
  requestState?: string;
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
  readonly #onAsked: OnAsked;

  constructor(onAsked: OnAsked, ...options: ConstructorParameters<typeof SdkClient>) {
    super(...options);
    this.#onAsked = onAsked;
  }

  protected override _resolveNonCompleteResult(decoded: InputRequired, flow: Flow): Promise<unknown> {
    const tell = (inputRequests: InputRequired['inputRequests'] | undefined): void =>
      this.#onAsked(flow.options?.signal, inputRequests ?? {});
    tell(decoded.inputRequests);
    const retry: Flow['retry'] = async (params, options) => {
      const result = await flow.retry(params, options);
      if (isInputRequiredResult(result)) tell(result.inputRequests);
      return result;
    };
    return super._resolveNonCompleteResult(decoded, { ...flow, retry } as never);
  }
}
