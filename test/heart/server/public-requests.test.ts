import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { createNamespace, MemoryBackend } from '../../../src/index.ts';
import { Oob, findInteractionRequired, secretForm } from '../../../src/oob/index.ts';
import { createRecordingLogger, type RecordingLogger } from '../../support/recording-logger.ts';

const form = { type: 'object', properties: { password: { type: 'string', writeOnly: true } } } as const;

/** A server whose links have a page each; what its host is asked about them. */
async function openServer(): Promise<{
  asked: string[];
  logger: RecordingLogger;
  link: URL;
  pages: (request: Request) => Promise<Response>;
}> {
  const asked: string[] = [];
  const logger = createRecordingLogger();
  const oob = new Oob({
    storage: new MemoryBackend(),
    namespaces: { resolve: async () => createNamespace('user', 'alice') },
    publicUrl: 'https://app.example/some/oob',
    logger,
    verifyUser: async (request) => {
      asked.push(`${request.method} ${request.url} ${await request.text()}`);
      return new Response(null, { status: 303, headers: { location: '/login' } });
    },
  });
  const login = oob.flow('login', secretForm(form));
  const error: unknown = await oob.credentials
    .acquire(await oob.principal({}), { resource: 'db', flow: login })
    .catch((reason: unknown) => reason);
  const link = new URL(findInteractionRequired(error)?.interaction.url ?? '');
  return { asked, logger, link, pages: oob.fetch };
}

test('a host is asked about the address that the browser shows, whatever a proxy or a framework has made of it', async () => {
  const { asked, link, pages } = await openServer();
  const behindProxy = new URL(`${link.pathname}?a=b`, 'http://10.0.0.7:8080');
  await pages(new Request(behindProxy));
  // Hono’s `mount` cuts off the path, with a form as without one.
  const app = new Hono().mount('/some/oob', pages);
  await app.request(`http://10.0.0.7${link.pathname}`);
  await app.request(`http://10.0.0.7${link.pathname}`, {
    method: 'POST',
    body: new URLSearchParams({ c: 'd' }),
  });
  expect(asked).toEqual([`GET ${link.href}?a=b `, `GET ${link.href} `, `POST ${link.href} c=d`]);
});

test('an address that only looks like another host, or like a page of ours, stays what it is', async () => {
  const { asked, pages } = await openServer();
  await pages(new Request('http://10.0.0.7//evil.example/connect/AAAAAAAAAAAAAAAAAAAAAAAA'));
  expect(asked.filter((line) => !line.startsWith('GET https://app.example/'))).toEqual([]);
});

test('a form that was read in front is a page with the code of a wrong set-up, and the log says what to do', async () => {
  const { link, logger, pages } = await openServer();
  const request = new Request(link, { method: 'POST', body: new URLSearchParams({ c: 'd' }) });
  await request.text();
  const answer = await pages(request);
  expect(answer.status).toBe(500);
  expect(await answer.text()).toContain('ERR_POSTERN_CONFIG_MISCONFIGURED');
  expect(logger.lines.join('\n')).toContain('Mount this before body parsers');
});
