import { envelopeOf, enveloped, type Envelope } from '../../wire/eras/envelope.ts';
import { toDiscoverResult, toInitializeParams, toInitializeResult } from '../../wire/eras/greetings.ts';
import { isObject, resultText, type RequestMessage } from '../../wire/message.ts';
import { answerOf, withAnswerId } from './answer.ts';
import { withLinks } from './asked-links.ts';
import { ForLegacyHost } from './for-legacy-host.ts';
import { ForModernHost } from './for-modern-host.ts';
import { ModernRemote } from './modern-remote.ts';
import type { OpenedRemote, OpenedSession, OpeningOptions } from './opened-remote.ts';

/** A server of the modern era, for a host of the one before. */
export async function openForLegacyHost(options: OpeningOptions): Promise<OpenedRemote> {
  const { greeting, signal } = options;
  const { id, params } = greeting.message;
  const remoteOptions = { ...options.remote, onMessage: ForLegacyHost.pass(options.remote.onMessage) };
  const remote = new ModernRemote(remoteOptions);
  const capabilities = isObject(params?.['capabilities']) ? params['capabilities'] : {};
  const envelope: Envelope = { capabilities: withLinks(capabilities), clientInfo: params?.['clientInfo'] };
  const ask: RequestMessage = { kind: 'request', id: 'postern:discover', method: 'server/discover' };
  const answer = await remote.request(enveloped(ask, envelope), { signal });
  if (answer.kind === 'error') return { remote, greeting: withAnswerId(answer, id), begin: async () => {} };
  const result = toInitializeResult(answer.result, params?.['protocolVersion']);
  const translated = new ForLegacyHost(remote, options.remote, {
    envelope,
    capabilities,
    served: result['capabilities'],
  });
  return {
    remote: translated,
    greeting: answerOf(resultText(id, result)),
    begin: () => translated.begin(),
  };
}

/** A server of the legacy era, for a host of the one after. */
export async function openForModernHost(
  options: OpeningOptions,
  open: (options: OpeningOptions) => Promise<OpenedSession>,
): Promise<OpenedRemote> {
  const { greeting } = options;
  const { message } = greeting;
  const envelope = envelopeOf(message);
  let translated: ForModernHost | undefined;
  const initialize: RequestMessage = {
    kind: 'request',
    id: 'postern:initialize',
    method: 'initialize',
    params: toInitializeParams({ ...envelope, capabilities: withLinks(envelope.capabilities) }),
  };
  const opened = await open({
    ...options,
    greeting: { ...greeting, message: initialize },
    remote: {
      ...options.remote,
      onMessage: (passed, within) => translated?.pass(passed, within),
    },
  });
  const { greeting: answer, remote } = opened;
  if (answer.kind === 'error') return { ...opened, greeting: withAnswerId(answer, message.id) };
  translated = new ForModernHost(remote, options.remote, answer.result);
  await opened.begin(undefined);
  return {
    remote: translated,
    greeting: answerOf(resultText(message.id, toDiscoverResult(answer.result))),
    begin: async () => {},
  };
}
