import { SdkError, SdkErrorCode, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/client';
import { expect, test } from 'vitest';
import { PosternError } from '../../core/postern-error.ts';
import { sendWaiting } from './broken-wait.ts';
import { loadSdk } from './sdk.ts';

await loadSdk();
const broke = (): Error => new SdkError(SdkErrorCode.ConnectionClosed, 'closed');

function request(outcomes: readonly (Error | string)[], isSingleUse = true) {
  let sent = 0;
  const send = async (): Promise<string> => {
    const outcome = outcomes[sent++];
    if (typeof outcome === 'string') return outcome;
    throw outcome ?? new RangeError('sent too often');
  };
  return {
    sent: () => sent,
    outcome: sendWaiting({ server: 'notes', send, isSingleUse, signal: undefined, pausesMs: [1, 1] }),
  };
}

test('a request that waits is sent again when its connection broke, where its server says that it runs once', async () => {
  const { outcome, sent } = request([broke(), 'done']);
  expect(await outcome).toBe('done');
  expect(sent()).toBe(2);
});

test('what another server was asked is not repeated, and the error says what to do', async () => {
  const { outcome, sent } = request([broke()], false);
  await expect(outcome).rejects.toMatchObject({
    code: 'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
    hint: expect.stringContaining('Call again; the link is still good.') as string,
    evidence: { mayHaveRun: true },
  });
  expect(sent()).toBe(1);
});

test('what had run when its answer was lost is an error that says so, and not one of the state', async () => {
  const spent = new ProtocolError(ProtocolErrorCode.InvalidParams, 'Invalid or expired requestState');
  await expect(request([broke(), spent]).outcome).rejects.toMatchObject({
    code: 'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
    evidence: { mayHaveRun: true },
  });
});

test('what the server says of the request itself is as it was', async () => {
  const refused = new ProtocolError(ProtocolErrorCode.InvalidParams, 'Invalid or expired requestState');
  const own = new PosternError('ERR_POSTERN_AUTH_REVOKED', 'revoked');
  for (const error of [refused, own]) await expect(request([error]).outcome).rejects.toBe(error);
});
