import { expect, test } from 'vitest';
import { examine } from '../../src/doctor/index.ts';
import type { Reply } from '../support/programmable-reply.ts';
import { idsOf, openPatient } from './patient.ts';

const short = { requestTimeoutMs: 300, stepTimeoutMs: 1_000, timeoutMs: 5_000 };

const everywhere = [
  'resource',
  'resource-metadata',
  'metadata',
  'register',
  'authorize',
  'refresh',
  'revoke',
  'other',
] as const;

const hostile: Readonly<Record<string, Reply>> = {
  'never answers': { hang: 'headers' },
  'never ends its answers': { hang: 'body' },
  drips: { dripEveryMs: 20 },
  floods: { floodBytes: 8_000_000 },
  'breaks off': { cut: 'midway' },
  'redirects in circles': { status: 302, headers: { location: '/mcp' } },
  'answers with nonsense': {
    status: 401,
    headers: { 'www-authenticate': 'Bearer resource_metadata="https://mcp.example/.well-known/x"' },
    body: '['.repeat(100_000),
  },
};

for (const [fact, reply] of Object.entries(hostile)) {
  test(
    `a server that ${fact}, wherever it is asked, is examined to the end`,
    { timeout: 60_000 },
    async () => {
      for (const kinds of [everywhere, everywhere.filter((kind) => kind !== 'resource')]) {
        const { as, examine: look } = await openPatient();
        for (const kind of kinds) as.on(kind, () => reply);
        const report = await look({ ...short, register: true, client: { clientId: 'by-hand' } });
        expect(report.checks).toHaveLength(19);
        expect(idsOf(report)).not.toContain('examination.failed');
        expect(JSON.stringify(report).length).toBeLessThan(50_000);
      }
    },
  );
}

test('a server that names a thousand authorization servers has five of them looked at', async () => {
  const named = Array.from({ length: 1_000 }, (_, at) => `https://login-${at}.example`);
  const { as, examine: look } = await openPatient({
    as: { resourceMetadata: { authorization_servers: named } },
    replies: { metadata: () => ({ status: 404 }) },
  });
  expect(idsOf(await look())).toContain('issuer.not-found');
  expect(as.count('metadata')).toBe(10);
});

test('a step that is not over in time is given up, and the others are asked', async () => {
  const { examine: look } = await openPatient();
  const report = await look({ probeTls: () => new Promise(() => {}), stepTimeoutMs: 400 });
  expect(idsOf(report)).toContain('examination.out-of-time');
  expect(report.checks.find(({ check }) => check === 'network')?.verdict).toBe('warning');
  expect(report.checks).toHaveLength(19);
});

test('whoever gives up an examination has it end at once, by their own reason', async () => {
  const leaving = new AbortController();
  const asked = examine('https://mcp.example/mcp', {
    signal: leaving.signal,
    fetch: () => {
      leaving.abort(new Error('enough'));
      return new Promise(() => {});
    },
  });
  await expect(asked).rejects.toThrow('enough');
});

test('a server that sends back what it was sent finds nothing of it in the report', async () => {
  const { as, examine: look } = await openPatient();
  as.on('resource', (call) => ({
    status: 401,
    headers: {
      'www-authenticate': `Bearer error="invalid_token", error_description="${call.headers.authorization ?? 'none'}", resource_metadata="x ${call.headers['x-api-key'] as string}"`,
      location: `/x?token=${call.headers.authorization ?? ''}`,
      server: `s ${call.headers['x-api-key'] as string}`,
    },
  }));
  const report = await look({
    headers: { authorization: 'Bearer CNRYzsecretz-one', 'x-api-key': 'CNRYzsecretz-two' },
  });
  expect(JSON.stringify(report)).not.toContain('CNRY');
  expect(idsOf(report)).toContain('credential.refused');
});
