import type { ServerContext } from '@modelcontextprotocol/server';
import { expect, test } from 'vitest';
import type { FormValues } from '../../../src/oob/index.ts';
import { runHandler, type AskedPlace, type ToolContext } from '../../../src/oob/handler-run.ts';
import { openFlowStage } from '../../support/flow-stage.ts';
import { codeOf, passwordFlow } from './form-stage.ts';

const resource = 'calendar.example';

/** A service that takes one password, and a handler that has what it refuses replaced. */
async function openService() {
  const stage = await openFlowStage();
  const flow = passwordFlow(stage);
  const principal = await stage.principal('alice');
  const { credentials } = stage.oob;
  const request = { resource, flow };
  const service = { takes: 'old' };
  const mcp = { mcpReq: { signal: new AbortController().signal } } as unknown as ServerContext;
  const handler = async ({ credential, reject }: ToolContext): Promise<string> => {
    let kept: FormValues = await credential(request);
    if (kept['password'] !== service.takes) kept = await reject(request, kept);
    return kept['password'] === service.takes ? 'done' : 'refused';
  };
  return {
    service,
    request,
    principal,
    credentials,
    run: (finished: readonly AskedPlace[] = []) =>
      runHandler(handler, { credentials, principal, mcp, finished }),
    enter: (password: string) => credentials.put(principal, request, { password }),
  };
}

test('what its service refuses is asked for anew by the call that learned of it, and by no other', async () => {
  const { service, run, enter } = await openService();
  await enter('old');
  expect(await run()).toEqual({ result: 'done' });
  service.takes = 'new';
  const { needed = [] } = (await run()) as { needed?: readonly unknown[] };
  expect(needed).toHaveLength(1);
  // It is no longer given out: another call finds that its person is being asked.
  expect(await run()).toMatchObject({ needed: [{ interaction: { resource } }] });
  await enter('new');
  expect(await run([{ resource, alias: 'default' }])).toEqual({ result: 'done' });
});

test('what its person has given in this very call, and is refused, is an error, and not asked for in a circle', async () => {
  const { service, run, enter } = await openService();
  service.takes = 'another';
  await enter('wrong');
  expect(await codeOf(run([{ resource, alias: 'default' }]))).toBe('ERR_POSTERN_AUTH_REJECTED');
  // The next call asks.
  expect(await run()).toMatchObject({ needed: [{ interaction: { resource } }] });
});

test('a refusal that is late for another that is there by now is no refusal of that', async () => {
  const { credentials, principal, request, service, run, enter } = await openService();
  await enter('old');
  const late = await credentials.acquire(principal, request);
  await enter('new');
  service.takes = 'new';
  await credentials.reject(principal, request, late);
  expect(await run()).toEqual({ result: 'done' });
});
