import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  Client,
  ClientManager,
  LocalAuthCoordinator,
  RemoteAuthCoordinator,
  type AuthCoordinatorOptions,
} from '../../../src/client/index.ts';
import { findPosternError, fixedNamespace, MemoryBackend } from '../../../src/index.ts';
import { createOAuthHttp } from '../../../src/oauth/index.ts';
import { Oob, oauthRedirect } from '../../../src/oob/index.ts';
import { openLocalStorage } from '../../../src/storage/local.ts';
import { userOf } from '../../support/page-host.ts';
import { failureOf, openStage, textOf } from '../../support/stage.ts';
import { walk } from '../walk.ts';

describe('a lease that is shorter than what it guards', () => {
  const contradictions: Record<string, Partial<AuthCoordinatorOptions>> = {
    'a lease of two seconds beside requests of ten': { leaseMs: 2_000 },
    'a lease that is as long as one request': { leaseMs: 10_000, oauthTimeoutMs: 10_000 },
    'requests that take more than half of the lease': { oauthTimeoutMs: 20_000 },
    'a lease of no time at all': { leaseMs: 0 },
    'a lease of less than that': { leaseMs: -1 },
    'a lease that is no number': { leaseMs: Number.NaN },
    'requests that may take for ever': { oauthTimeoutMs: Number.POSITIVE_INFINITY },
  };
  const storage = new MemoryBackend();
  const faces: Record<string, (options: Partial<AuthCoordinatorOptions>) => unknown> = {
    deployed: (options) =>
      new RemoteAuthCoordinator({
        storage,
        publicUrl: 'https://bot.example/postern',
        verifyUser: userOf,
        ...options,
      }),
    'at a terminal': (options) => new LocalAuthCoordinator({ storage, ...options }),
  };
  for (const [face, construct] of Object.entries(faces)) {
    for (const [name, options] of Object.entries(contradictions)) {
      test(`${name}, ${face}, is refused at construction (issue 8.26)`, async () => {
        const error = await failureOf((async () => construct(options))());
        expect(findPosternError(error)?.code).toBe('ERR_POSTERN_CONFIG_MISCONFIGURED');
      });
    }
  }

  test('a server’s flow whose requests outlast the lease is refused where it is named', () => {
    const open = (timeoutMs: number, leaseMs?: number): void => {
      const oob = new Oob({
        storage,
        namespaces: fixedNamespace('server'),
        publicUrl: 'https://server.example/oob',
        verifyUser: userOf,
        leaseMs,
      });
      const http = createOAuthHttp({ timeoutMs });
      oob.flow('consent', oauthRedirect({ http, authorize: () => Promise.reject(new Error('nobody asks')) }));
    };
    expect(() => open(20_000)).toThrow(expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }));
    expect(() => open(20_000, 60_000)).not.toThrow();
  });

  for (const connectTimeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
    test(`a connect time-out of ${connectTimeoutMs} ms is refused at construction, of a client and of a manager`, () => {
      const refused = expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' });
      const coordinator = new LocalAuthCoordinator({ storage });
      expect(() => new Client({}, { coordinator, connectTimeoutMs })).toThrow(refused);
      expect(() => new ClientManager({}, { coordinator, connectTimeoutMs })).toThrow(refused);
    });
  }

  test('a short lease with shorter requests is no contradiction', () => {
    for (const construct of Object.values(faces)) {
      expect(() => construct({ leaseMs: 5_000, oauthTimeoutMs: 1_000 })).not.toThrow();
    }
  });
});

describe('a process that is killed while it logs somebody out', () => {
  test('leaves nothing alive: any other process has the grant revoked (issue 8.26)', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'postern-logout-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const stage = await openStage();
    const first = new RemoteAuthCoordinator({
      storage: openLocalStorage(directory),
      publicUrl: stage.host.publicUrl,
      verifyUser: userOf,
    });
    stage.host.handlers.splice(0, stage.host.handlers.length, first.fetch);
    const start = (coordinator: RemoteAuthCoordinator): ClientManager => {
      const manager = new ClientManager({ calendar: { url: stage.calendar.url } }, { coordinator });
      onTestFinished(() => manager.close());
      return manager;
    };
    const client = await start(first).getClient('alice');
    await client.connect();
    const [challenge] = await client.getAuthChallenges();
    await walk(await stage.host.openBrowser('alice'), challenge?.url ?? '');
    expect(textOf(await client.callTool('whoami'))).toBe('user-1');

    stage.as.on('revoke', () => ({ hang: 'headers' }));
    const args = [directory, stage.host.publicUrl, stage.calendar.url];
    const child = fork(new URL('logout-process.ts', import.meta.url), args, {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    onTestFinished(() => void child.kill('SIGKILL'));
    await vi.waitFor(() => expect(stage.as.count('revoke')).toBe(1), { timeout: 30_000 });
    child.kill('SIGKILL');
    await exited;
    stage.as.on('revoke', undefined);

    // A process whose store is past every lease of the one that was killed.
    const clock = (): number => Date.now() + 5 * 60_000;
    const later = start(
      new RemoteAuthCoordinator({
        storage: openLocalStorage(directory, { clock }),
        publicUrl: stage.host.publicUrl,
        verifyUser: userOf,
        clock,
      }),
    );
    await later.start();
    await later.runDue();
    const again = await later.getClient('alice');
    await again.connect();
    expect(again.session('calendar').status).toBe('AUTH_PENDING');
    const isRevoked = (): void => expect(stage.as.tokens.families[0]?.revoked).toBe(true);
    await vi.waitFor(isRevoked, { timeout: 4_000, interval: 50 });
  });
});
