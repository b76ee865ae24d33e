import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { getRequestListener } from '@hono/node-server';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fastifyPages, honoPages, nodeListener } from '../../../src/node/index.ts';
import { createRecordingLogger } from '../../support/recording-logger.ts';

/** What Postern’s pages see of a request. */
async function echo(request: Request): Promise<Response> {
  const body = request.method === 'GET' ? '' : await request.text();
  return new Response(JSON.stringify([request.method, request.url, body]), {
    headers: [
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ],
  });
}

async function listen(listener: (...args: Parameters<RequestListener>) => unknown): Promise<string> {
  const server = createServer((message, reply) => void listener(message, reply));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const options = { publicUrl: 'https://app.example/oob' };

/** As docs/oob.md mounts the pages. */
const frameworks: Record<string, () => Promise<string>> = {
  'node:http': () => listen(nodeListener(echo, options)),
  Express: () => listen(express().use('/oob', nodeListener(echo, options))),
  Fastify: async () => {
    const app = fastify();
    await app.register(fastifyPages(echo, options));
    await app.ready();
    return listen((message, reply) => app.routing(message, reply));
  },
  Hono: async () => {
    const app = new Hono();
    app.all('/oob/*', honoPages(echo, options));
    return listen(getRequestListener(app.fetch));
  },
};

describe.each(Object.entries(frameworks))('the pages mounted in %s', (_name, open) => {
  test('get the whole path and the form to the byte, and give each cookie a header of its own', async () => {
    const origin = await open();
    const body = 'password=%20a%2Bb&again=';
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await fetch(`${origin}/oob/connect/x?y=1`, { method: 'POST', body, headers });
    const [method, url, sent] = (await answer.json()) as string[];
    expect([method, url, sent]).toEqual(['POST', `https://app.example/oob/connect/x?y=1`, body]);
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    const [, seen] = (await (await fetch(`${origin}/oob/callback?state=s`)).json()) as string[];
    expect(seen).toBe(`https://app.example/oob/callback?state=s`);
  });
});

test('a form that a parser in front has read is answered 500, and the log says where to mount the pages', async () => {
  const logger = createRecordingLogger();
  const app = express();
  app.use(express.urlencoded({ extended: false }));
  app.use('/oob', nodeListener(echo, { ...options, logger }));
  const origin = await listen(app);
  const answer = await fetch(`${origin}/oob/connect/x`, {
    method: 'POST',
    body: new URLSearchParams({ a: '1' }),
  });
  expect([answer.status, await answer.text()]).toEqual([500, '']);
  expect(logger.lines.join('\n')).toContain('express.urlencoded()');
});

test('a form that a middleware of Hono has read is answered 500, and the log says so', async () => {
  const logger = createRecordingLogger();
  const app = new Hono();
  app.use(async (context, next) => {
    await context.req.parseBody();
    await next();
  });
  app.all('/oob/*', honoPages(echo, { ...options, logger }));
  const origin = await listen(getRequestListener(app.fetch));
  const answer = await fetch(`${origin}/oob/connect/x`, {
    method: 'POST',
    body: new URLSearchParams({ a: '1' }),
  });
  expect([answer.status, await answer.text()]).toEqual([500, '']);
  expect(logger.lines.join('\n')).toContain('in Hono no middleware before it may read the body');
});

test('beside the pages, Fastify parses forms and JSON as it did', async () => {
  const app = fastify();
  await app.register(fastifyPages(echo, options));
  app.post('/api', (request) => Promise.resolve(request.body));
  await app.ready();
  const origin = await listen((message, reply) => app.routing(message, reply));
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${origin}/api`, { method: 'POST', headers, body: '{"a":1}' });
  expect(await answer.json()).toEqual({ a: 1 });
});

test('what a handler throws is an empty 500 to the browser, and whole in the log', async () => {
  const logger = createRecordingLogger();
  const fail = (): never => {
    throw new RangeError('thread 7 is closed');
  };
  const origin = await listen(nodeListener(fail, { ...options, logger }));
  const answer = await fetch(`${origin}/oob/connect/x`);
  expect([answer.status, await answer.text()]).toEqual([500, '']);
  expect(logger.lines.join('\n')).toContain('thread 7 is closed');
});
