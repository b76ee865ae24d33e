import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { renderDoctorPage } from '../../scripts/doctor-page.ts';
import { allChecks, commonFindings, examine, printReport } from '../../src/doctor/index.ts';
import { openPatient } from './patient.ts';

test('a report in JSON has the shape that scripts rely on', async () => {
  const { examine: look } = await openPatient({
    as: { metadata: { issuer: 'https://other.example' } },
  });
  const report = JSON.parse(JSON.stringify(await look())) as Record<string, unknown>;
  expect(Object.keys(report)).toEqual([
    'version',
    'url',
    'examinedAt',
    'durationMs',
    'verdict',
    'counts',
    'reached',
    'checks',
  ]);
  expect(report).toMatchObject({
    version: 1,
    url: 'https://mcp.example/mcp',
    verdict: 'problem',
    reached: true,
  });
  const checks = report['checks'] as { check: string; exchanges: object[]; findings: object[] }[];
  expect(checks.map(({ check }) => check)).toEqual([
    'address',
    'network',
    'initialize',
    'discover',
    'endpoint',
    'challenge',
    'resource-metadata',
    'issuer',
    'registration',
    'pkce',
    'redirect-uri',
    'resource',
    'scopes',
    'refresh',
    'revocation',
    'sign-in',
    'elicitation',
    'clocks',
    'clean-up',
  ]);
  const { exchanges, findings } = checks.find(({ check }) => check === 'issuer') ?? {};
  expect(exchanges?.[0]).toEqual({
    asked: 'GET https://login.example/.well-known/oauth-authorization-server',
    came: expect.stringMatching(/^200/u) as string,
    status: 200,
    headers: { 'content-type': 'application/json' },
    durationMs: expect.any(Number) as number,
  });
  expect(findings?.[0]).toEqual({
    id: 'issuer.mismatch',
    severity: 'problem',
    what: expect.any(String) as string,
    specification: {
      name: 'RFC 8414',
      section: '3.3',
      url: 'https://www.rfc-editor.org/rfc/rfc8414#section-3.3',
    },
    fixedBy: 'issuer',
    fix: expect.any(String) as string,
    meanwhile: expect.any(String) as string,
    configure: { auth: { type: 'oauth', allowIssuerMismatch: ['https://login.example'] } },
  });
});

test('a report in words says what is wrong by which specification, who has to put it right, and what to do until then', async () => {
  const { examine: look } = await openPatient({
    as: { metadata: { code_challenge_methods_supported: ['plain'] } },
  });
  const text = printReport(await look());
  expect(text).toContain('✗ PKCE');
  expect(text).toContain('by MCP 2026-07-28, Authorization: Authorization Code Protection');
  expect(text).toContain('whoever runs the authorization server: Turn PKCE on');
  expect(text).toContain('{"auth":{"type":"oauth","allowPkceUnadvertised":true}}');
  expect(text).toContain('1 problem,');
  // Nothing of what a server says moves the cursor of whoever reads it.
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/u);
});

test('what a hostile server says cannot act on a terminal', async () => {
  const { examine: look } = await openPatient({
    replies: {
      resource: (call) => ({
        body: {
          jsonrpc: '2.0',
          id: (JSON.parse(call.text || '{}') as { id?: number }).id ?? 1,
          result: {
            protocolVersion: '2025-11-25',
            capabilities: { ['\u001b[2J']: {} },
            serverInfo: { name: '\u001b]0;owned\u0007\u202e', version: '1' },
          },
        },
      }),
    },
  });
  const report = await look();
  expect(printReport(report)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/u);
  expect(JSON.stringify(report)).not.toContain('\\u001b');
});

test('every finding is named after what it is about, once, and says what has to be done', () => {
  const all = [
    ...allChecks.flatMap(({ findings }) => Object.entries(findings)),
    ...Object.entries(commonFindings),
  ];
  const ids = all.map(([id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [id, { meaning, fix }] of all) {
    expect(id).toMatch(/^[a-z-]+\.[a-z\d-]+$/u);
    expect(meaning).toMatch(/[.:]$|\.$/u);
    expect(fix).not.toBe('');
  }
});

test('docs/doctor.md is what the table of checks renders to (`node scripts/render-docs.ts` writes it)', () => {
  const page = readFileSync(new URL('../../docs/doctor.md', import.meta.url), 'utf8');
  expect(page).toBe(renderDoctorPage());
});

test('nothing that is reached is left waiting: an examination of nobody ends with the report', async () => {
  const report = await examine('http://127.0.0.1:9/mcp', { requestTimeoutMs: 2_000 });
  expect(report.reached).toBe(false);
  expect(report.verdict).toBe('problem');
});
