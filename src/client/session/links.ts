import type { ElicitResult } from '@modelcontextprotocol/client';
import * as z from 'zod';
import type { Elicitation } from '../../interaction/elicitation/elicitation-cause.ts';
import { withSignal } from '../../sync/with-signal.ts';
import type { ClientHandlers, FromServer } from './client-handlers.ts';
import { loadSdk } from './sdk.ts';

const linkRequest = z.lazy(() =>
  z.looseObject({
    method: z.literal('elicitation/create'),
    params: z.looseObject({
      mode: z.literal('url'),
      url: z.string(),
      message: z.string(),
      elicitationId: z.string().optional(),
    }),
  }),
);

/** The links among what an answer of the revision 2026-07-28 asks for. */
export function linksIn(inputRequests: Record<string, unknown>): Elicitation[] {
  return Object.values(inputRequests).flatMap((request) => linkRequest.safeParse(request).data?.params ?? []);
}

/** Has a handler show a link that came with an error, as though its server had asked for it by a request. */
export function showLink(
  elicitation: NonNullable<ClientHandlers['elicitation']>,
  { url, message, elicitationId = '' }: Elicitation,
  from: FromServer,
  signal: AbortSignal,
): Promise<ElicitResult> {
  const context = {
    mcpReq: {
      id: elicitationId,
      method: 'elicitation/create',
      requestState: () => undefined,
      signal,
      send: refuseRequest,
      notify: refuseRequest,
    },
  };
  const shown = (async () => elicitation({ mode: 'url', url, message, elicitationId }, from, context))();
  return withSignal(shown, signal);
}

async function refuseRequest(): Promise<never> {
  const { SdkError, SdkErrorCode } = await loadSdk();
  throw new SdkError(SdkErrorCode.SendFailed, 'the server has asked by an error, and waits for no answer');
}
