import { expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import type { ClientManager, ParkingPlace, ResumedCall } from '../../src/client/index.ts';
import type { Grant, OAuthHttp } from '../../src/oauth/index.ts';
import {
  oauthRedirect,
  secretForm,
  type FormValues,
  type NamedFlow,
  type OAuthCredential,
  type OAuthRedirectOptions,
  type Oob,
  type Principal,
  type RequestParking,
  type ResumedRequest,
  type ToolContext,
} from '../../src/oob/index.ts';

// Compiled, never run: types that have become `any` or `unknown` on the way pass every other test.

interface Job {
  readonly to: string;
}
interface Approval {
  readonly question: string;
}

declare const manager: ClientManager;
declare const oob: Oob<Approval>;
declare const anyOob: Oob;
declare const principal: Principal;
declare const http: OAuthHttp;
declare const authorize: OAuthRedirectOptions['authorize'];
declare const grant: Grant;
declare const context: ToolContext;

const check = (): void => {
  // A parked request has the payload that it is parked with, on either side.
  const onAgent = manager.continuation('answer', async ({ payload }: ResumedCall<Job>) => {
    expectTypeOf(payload).toEqualTypeOf<Job>();
  });
  expectTypeOf(onAgent).toEqualTypeOf<ParkingPlace<Job>>();
  const onServer = oob.continuation<Job>('report', async ({ payload, principal: whose }) => {
    expectTypeOf(payload).toEqualTypeOf<Job>();
    expectTypeOf(whose).toEqualTypeOf<Principal>();
  });
  expectTypeOf(onServer).toEqualTypeOf<RequestParking<Job>>();
  expectTypeOf<Parameters<typeof onServer.park>[1]>().toEqualTypeOf<Job>();
  // @ts-expect-error another payload than the handler takes
  void onServer.park(new Error('x'), { for: 'al' });
  // @ts-expect-error a field that the payload does not have
  void oob.continuation('x', async ({ payload }: ResumedRequest<Job>) => void payload.from);

  // Pendings of one's own carry what they are said to.
  void oob.pendings.create({ token: 'alice' }, { kind: 'approval', data: { question: 'Deploy?' } });
  // @ts-expect-error other data
  void oob.pendings.create({ token: 'alice' }, { kind: 'approval', data: { answer: 'Yes.' } });
  expectTypeOf<Awaited<ReturnType<typeof oob.pendings.get>>['data']>().toEqualTypeOf<Approval | undefined>();
  // Whoever wants none of them takes any server.
  expectTypeOf<Oob<Approval>>().toExtend<Oob>();
  void anyOob.pendings.create({ token: 'alice' }, { kind: 'approval', data: 'whatever' });

  // A credential is what its flow leads to; what is put is what its kind stores.
  const form = z.object({
    user: z.string(),
    port: z.number(),
    password: z.string().meta({ writeOnly: true }),
  });
  const login = oob.flow('login', secretForm(form));
  const drive = oob.flow('drive', oauthRedirect({ http, authorize }));
  expectTypeOf(login).toExtend<NamedFlow<z.infer<typeof form>, FormValues>>();
  expectTypeOf(drive).toExtend<NamedFlow<OAuthCredential, Grant>>();
  void (async () => {
    const values = await context.credential({ resource: 'db', flow: login });
    expectTypeOf(values).toEqualTypeOf<{ user: string; port: number; password: string }>();
    const tokens = await oob.credentials.acquire(principal, { resource: 'drive', flow: drive });
    expectTypeOf(tokens).toEqualTypeOf<OAuthCredential>();
    await oob.credentials.put(principal, { resource: 'drive', flow: drive }, grant);
    // @ts-expect-error a token is no grant: it could not be renewed
    await oob.credentials.put(principal, { resource: 'drive', flow: drive }, { accessToken: 'x' });
    await oob.credentials.put(principal, { resource: 'db', flow: login }, { user: 'a', password: 'b' });
    // @ts-expect-error a form has no lists
    await oob.credentials.put(principal, { resource: 'db', flow: login }, { user: ['a'] });
  });
};

test('what is parked, pending and kept has its type', () => {
  expectTypeOf(check).toBeFunction();
});
