import { execFile } from 'node:child_process';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createApprovals } from '../../examples/oob-adapters/approvals.ts';
import { secretForm } from '../../src/interaction/forms/secret-form.ts';
import { nodeListener, type FetchHandler } from '../../src/node/index.ts';
import { openFlowStage } from '../support/flow-stage.ts';

const run = promisify(execFile);

/** The same pages on different servers. Express and Fastify as they hand requests on: see docs/oob.md. */
const servers: Readonly<Record<string, (handler: FetchHandler, origin: string) => RequestListener>> = {
  'node:http': (handler, origin) => nodeListener(handler, { publicUrl: origin }),
  Hono: (handler) => {
    const app = new Hono();
    app.all('*', async (context) => handler(context.req.raw));
    const listener = getRequestListener(app.fetch);
    return (message, reply) => void listener(message, reply);
  },
  'what Express hands on': (handler, origin) => {
    const listener = nodeListener(handler, { publicUrl: origin });
    return (message, reply) => {
      const { url = '' } = message;
      Object.assign(message, { originalUrl: url, url: url.replace(/^\/[^/]+/u, '') });
      listener(message, reply);
    };
  },
};

async function serve(name: string, make: (origin: string) => FetchHandler): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.on('request', servers[name]!(make(origin), origin));
  return origin;
}

describe.each(Object.keys(servers))('on %s', (name) => {
  test('a page of one’s own asks, and whoever waits is told what was said', async () => {
    let approvals: ReturnType<typeof createApprovals> | undefined;
    const origin = await serve(name, (at) => {
      approvals = createApprovals({
        origin: at,
        verifyUser: (request) => request.headers.get('x-user') ?? undefined,
      });
      return approvals.fetch;
    });
    const { pendings } = approvals!;
    const { url, pending } = await pendings.create(
      { token: 'alice' },
      { kind: 'approval', data: { question: '<b>?' } },
    );
    const waiting = pendings.waitFor(pending, { timeoutMs: 5_000 });
    const headers = { 'x-user': 'alice', origin };
    expect(await (await fetch(url, { headers })).text()).toContain('<p>&lt;b>?</p>');
    expect((await fetch(url, { headers: { 'x-user': 'bob' } })).status).toBe(404);
    const body = new URLSearchParams({ yes: '' });
    expect(
      (await fetch(url, { method: 'POST', body, headers: { ...headers, origin: 'https://evil.example' } }))
        .status,
    ).toBe(403);
    expect((await pendings.get(pending.id)).status).toBe('pending');
    expect(await (await fetch(url, { method: 'POST', body, headers })).text()).toBe('Thank you.');
    expect((await waiting).status).toBe('completed');
    expect((await fetch(url, { headers })).status).toBe(410);
  });

  test('our own pages keep their cookie, their form and their redirect', async () => {
    const stage = await openFlowStage();
    const flow = stage.oob.flow(
      'login',
      secretForm({ type: 'object', properties: { password: { type: 'string', writeOnly: true } } }),
    );
    const { url } = await stage.linkOf('alice', flow);
    const origin = await serve(name, () => stage.oob.fetch);
    const here = url.replace(stage.host.origin, origin);
    const shown = await fetch(here, { headers: { cookie: 'app-user=alice' } });
    const [bound = ''] = shown.headers.getSetCookie();
    const token = /name="form-token" value="([^"]+)"/u.exec(await shown.text())?.[1] ?? '';
    const sent = await fetch(here, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ 'form-token': token, password: 'ä '.repeat(2_000) }),
      headers: { cookie: `app-user=alice; ${bound.split(';')[0]}`, origin: stage.host.origin },
    });
    expect([sent.status, sent.headers.get('location')]).toEqual([303, url]);
    const kept = await stage.oob.credentials.acquire(await stage.principal('alice'), {
      resource: 'calendar.example',
      flow,
    });
    expect(kept).toEqual({ password: 'ä '.repeat(2_000) });
  });
});

test.each(['node-http', 'hono'])('the example %s checks itself', async (name) => {
  const file = new URL(`../../examples/oob-adapters/${name}.ts`, import.meta.url).pathname;
  const { stdout } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', file], {
    timeout: 30_000,
  });
  expect(stdout.trim().split('\n').length).toBeGreaterThan(1);
});
