import { ProtocolError, type CallToolResult, type InputRequiredResult } from '@modelcontextprotocol/client';
import { expect, test } from 'vitest';
import { openToolStage } from '../../support/tool-stage.ts';

const args = { name: 'run_query', arguments: { connection: 'warehouse' } };
const accepted = { 'credential-1': { action: 'accept' } };

/** Other spellings of one text, which a lenient reader would take for the same. */
function spellingsOf(state: string): string[] {
  const middle = Math.floor(state.length / 2);
  const into = (at: number, text: string): string => state.slice(0, at) + text + state.slice(at);
  const spaces = [' ', '\t', '\n', '\r\n', '\u00A0', '\u200B', '\uFEFF', '\u0000', '\u00AD', '\u2028'];
  const swapped = (from: string, to: string): string => state.replaceAll(from, to);
  return [
    ...spaces.flatMap((space) => [
      `${space}${state}`,
      `${state}${space}`,
      into(middle, space),
      into(4, space),
    ]),
    ...['=', '==', '===', '.', '~', '!', '%3D', '%', '#', '?', '&', ';', ',', '"', "'", '\\', '/'].map(
      (end) => `${state}${end}`,
    ),
    ...['"', "'", '(', '['].map((quote) => `${quote}${state}${quote}`),
    swapped('-', '+'),
    swapped('_', '/'),
    swapped('-', '%2D'),
    swapped('_', '%5F'),
    swapped('-', '\u2010'),
    swapped('_', '\uFF3F'),
    state.toLowerCase(),
    state.toUpperCase(),
    encodeURIComponent(`${state}\u00E9`),
    Buffer.from(state, 'base64url').toString('base64'),
    Buffer.from(state, 'base64url').toString('hex'),
    Buffer.from(state).toString('base64url'),
    Array.from(state)
      .map((letter) => String.fromCodePoint((letter.codePointAt(0) ?? 0) + 0xfee0))
      .join(''),
    Array.from(state)
      .map((letter) => `%${(letter.codePointAt(0) ?? 0).toString(16)}`)
      .join(''),
    Array.from(state).toReversed().join(''),
    state + state,
    JSON.stringify(state),
    `A${state}`,
    into(middle, 'A'),
  ].filter((text) => text !== state);
}

test('a request state is taken in the one spelling it was given in, and in no other', async () => {
  const stage = await openToolStage({ tool: { waitMs: 100 } });
  const { client } = await stage.connect('modern');
  const send = (more: Record<string, unknown>): Promise<CallToolResult | InputRequiredResult> =>
    client.callTool({ ...args, ...more }, { allowInputRequired: true });
  const { requestState = '', inputRequests } = (await send({})) as InputRequiredResult;
  const request = inputRequests?.['credential-1'] as { params: { url: string } } | undefined;
  await stage.finish(request?.params.url ?? '');
  const retry = (text: string) => send({ requestState: text, inputResponses: accepted });
  const spellings = spellingsOf(requestState);
  expect(spellings.length).toBeGreaterThan(70);
  for (const text of spellings) {
    const error = await retry(text).catch((reason: unknown) => reason);
    expect(error, JSON.stringify(text)).toBeInstanceOf(ProtocolError);
    expect((error as ProtocolError).message).toBe('Invalid or expired requestState');
  }
  expect([stage.runs(), stage.effects.length]).toEqual([1, 0]);
  await retry(requestState);
  expect(stage.effects).toHaveLength(1);
});
