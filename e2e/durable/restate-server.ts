import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Restate's own server, of one node, on loopback. */
export interface RestateServer {
  /** Where handlers are called, and awakeables resolved. */
  readonly ingressUrl: string;
  /** Has the server call the handlers that are served there. */
  register(uri: string): Promise<void>;
  close(): Promise<void>;
}

export async function startRestateServer(): Promise<RestateServer> {
  const directory = mkdtempSync(join(tmpdir(), 'postern-restate-'));
  const [node, ingress, admin] = await Promise.all([freePort(), freePort(), freePort()]);
  const child = spawn(program(), ['--base-dir', directory, '--listen-mode', 'tcp', '--no-logo'], {
    stdio: 'ignore',
    env: {
      RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
      RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}`,
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
      RESTATE_DEFAULT_NUM_PARTITIONS: '1',
      RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: '64MiB',
      DO_NOT_TRACK: '1',
    },
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const server: RestateServer = {
    ingressUrl: `http://127.0.0.1:${ingress}`,
    async register(uri) {
      const body = JSON.stringify({ uri, force: true, breaking: true });
      const headers = { 'content-type': 'application/json' };
      const { ok, status } = await fetch(`http://127.0.0.1:${admin}/deployments`, {
        method: 'POST',
        headers,
        body,
      });
      if (!ok) throw new Error(`the engine takes no handlers: status ${status}`);
    },
    async close() {
      child.kill('SIGKILL');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
  await untilReady([`http://127.0.0.1:${admin}/health`, `${server.ingressUrl}/restate/health`], ended);
  return server;
}

async function untilReady(urls: readonly string[], ended: Promise<void>): Promise<void> {
  let isEnded = false;
  void ended.then(() => (isEnded = true));
  const deadlineMs = performance.now() + 60_000;
  for (const url of urls) {
    while (!(await isGood(url))) {
      if (isEnded || performance.now() > deadlineMs) throw new Error('the engine did not get ready');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function isGood(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}

function program(): string {
  const name = `@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`;
  return fileURLToPath(new URL(`node_modules/${name}`, import.meta.url));
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
