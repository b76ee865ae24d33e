import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { examine, probeTls } from '../../src/doctor/index.ts';
import { CommandLine } from '../support/command-line.ts';
import { makeSelfSigned } from '../support/self-signed.ts';
import { findingOf } from './patient.ts';

/** A server on TLS that answers everything with 401, under a certificate of its own. */
async function openSecured(name: string): Promise<{ readonly port: number; readonly cert: string }> {
  const { key, cert } = makeSelfSigned(name, 10);
  const server = createServer({ key, cert }, (_request, response) => {
    response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, cert };
}

test('a certificate that nobody signed who is trusted here is found, with the variable that names its authority', async () => {
  const { port } = await openSecured('localhost');
  const report = await examine(`https://localhost:${port}/mcp`, { probeTls });
  const finding = findingOf(report, 'network.certificate');
  expect(finding.what).toContain('DEPTH_ZERO_SELF_SIGNED_CERT');
  expect(finding.meanwhile).toContain('NODE_EXTRA_CA_CERTS');
  expect(report.reached).toBe(false);
});

test('where the authority is trusted, the handshake says version, protocol and how long the certificate is good', async () => {
  const { port, cert } = await openSecured('localhost');
  const line = new CommandLine();
  const authority = join(line.home, 'authority.pem');
  writeFileSync(authority, cert);
  const trusting = new CommandLine({ NODE_EXTRA_CA_CERTS: authority });
  const { stdout } = await trusting.run('doctor', `https://localhost:${port}/mcp`);
  expect(stdout).toMatch(/TLSv1\.3, offers HTTP\/1\.1; certificate good until \d{4}-\d\d-\d\d/u);
  expect(stdout).toContain('(network.certificate-ends-soon)');
  const other = await trusting.run('doctor', `https://127.0.0.1:${port}/mcp`, '--quiet');
  expect(other).toMatchObject({
    code: 5,
    stdout: expect.stringContaining('(network.certificate-name)') as string,
  });
});
