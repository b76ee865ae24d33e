import { randomBytes, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStorageUrl } from '../support/open-storage.ts';
import { encodeBase64Url } from '../../src/core/base64url.ts';
import { createNamespace, storageOf } from '../../src/namespace/namespace.ts';
import { Continuations } from '../../src/resume/continuations.ts';
import { createKeyring } from '../../src/storage/keyring.ts';
import { openKeyringFile } from '../../src/storage/keyring-file.ts';
import { canaryMark } from './canary.ts';
import { HostPlace } from './host-process.ts';
import type { FromHost } from './host.ts';
import { Nemesis } from './nemesis.ts';
import { machineMs, OperationLog, readHistory, type LogEvent } from './operation-log.ts';
import { visit } from './person.ts';
import { planSchedule, type BackendName, type PlannedOperation, type Schedule } from './schedule.ts';
import { findSecrets } from './secrets.ts';
import { openChaosStore, type ChaosStore } from './stores.ts';
import { secretMark, startWeb, type Web } from './web.ts';

export interface RunOptions {
  readonly backend: BackendName;
  readonly seed: number;
  readonly seconds: number;
  readonly hosts: number;
  readonly namespaces: number;
  readonly operationsPerSecond: number;
  /** Where everything is written. Must be empty. */
  readonly directory: string;
  /** Told what is going on. */
  readonly onProgress: (line: string) => void;
}

/** How long leases and claims last here: short, so that a run sees many of them run out. */
export const leaseMs = 1_500;
const storeTimeoutMs = 1_200;
const signInTtlMs = 8_000;
/** After the last fault, how long everything may take to end. */
const quiesceMs = 20_000;
/** As much as a fleet under faults still takes on; more would measure the harness. */
const maxInFlight = 300;

/** One run, from start to end. Returns its history. */
export async function runChaos(options: RunOptions): Promise<LogEvent[]> {
  const { directory, onProgress, seconds } = options;
  await mkdir(directory, { recursive: true });
  const schedule = planSchedule({ ...options, leaseMs });
  writeFileSync(join(directory, 'schedule.json'), JSON.stringify(schedule, undefined, 1));
  const log = new OperationLog(directory, 'main');
  const web = await startWeb(log);
  const store = await openChaosStore(options.backend, directory);
  const fleet = new Fleet(options, { log, web, store, schedule });
  try {
    await fleet.open();
    onProgress(`${options.hosts} hosts are up`);
    await fleet.attack(seconds);
    onProgress('the faults are over');
    await fleet.settle();
    onProgress('everything has ended');
  } finally {
    await fleet.close();
    await store.close();
    await web.server.close();
  }
  const marks = { 'a token or code': secretMark, 'a canary': `${canaryMark} ` };
  for (const { file, what } of findSecrets(directory, { marks, texts: web.clientSecrets })) {
    log.say({ k: 'info', op: 'secret', id: file, what });
  }
  log.close();
  return readHistory(directory);
}

class Fleet {
  readonly #options: RunOptions;
  readonly #log: OperationLog;
  readonly #web: Web;
  readonly #store: ChaosStore;
  readonly #schedule: Schedule;
  readonly #hosts: HostPlace[] = [];
  readonly #working = new Set<Promise<unknown>>();
  /** The links people are busy with, and how many each namespace has had. */
  readonly #links = new Set<string>();
  readonly #linkCounts = new Map<string, number>();
  readonly #keyringFile: string;

  constructor(
    options: RunOptions,
    world: { log: OperationLog; web: Web; store: ChaosStore; schedule: Schedule },
  ) {
    this.#options = options;
    this.#log = world.log;
    this.#web = world.web;
    this.#store = world.store;
    this.#schedule = world.schedule;
    this.#keyringFile = join(options.directory, 'postern.keys');
  }

  async open(): Promise<void> {
    const keyring = openKeyringFile(this.#keyringFile);
    // One of them makes the tables; the others would only wait for it.
    await (
      await openStorageUrl(this.#store.urlAt(this.#store.port), { keyring, onWarning: () => {} })
    ).close();
    const common = {
      log: this.#log,
      directory: this.#options.directory,
      keyringFile: this.#keyringFile,
      publicUrl: 'http://127.0.0.1:9/postern',
      webOrigin: this.#web.server.origin,
      webPortBehind: Number(new URL(this.#web.server.origin).port),
      storePort: this.#store.port,
      storageUrlAt: (port: number | undefined) => this.#store.urlAt(port),
      leaseMs,
      storeTimeoutMs,
      signInTtlMs,
      onLink: (link: Extract<FromHost, { link: unknown }>['link']) => this.#onLink(link),
    };
    for (let index = 0; index < this.#options.hosts; index++)
      this.#hosts.push(await HostPlace.open(index, common));
    await Promise.all(this.#hosts.map((host) => host.start()));
  }

  /** The planned work, and the planned faults. */
  async attack(seconds: number): Promise<void> {
    const nemesis = new Nemesis({
      hosts: this.#hosts,
      store: this.#store,
      log: this.#log,
      corrupt: () => this.#corrupt(),
    });
    const plan = [
      ...this.#schedule.operations.map((operation) => ({
        atMs: operation.atMs,
        begin: () => this.#begin(operation),
      })),
      ...this.#schedule.faults.map((fault) => ({ atMs: fault.atMs, begin: () => nemesis.strike(fault) })),
    ].toSorted((a, b) => a.atMs - b.atMs);
    const start = machineMs();
    for (const { atMs, begin } of plan) {
      const leftMs = start + atMs - machineMs();
      if (leftMs > 1) await sleep(leftMs);
      begin();
    }
    await sleep(Math.max(0, start + seconds * 1_000 - machineMs()));
    await nemesis.relent();
  }

  /** Records that were sealed with a key that is gone, where lists of many, and of one tenant, meet them. */
  async #corrupt(): Promise<void> {
    const keyring = createKeyring([{ id: 'gone', key: encodeBase64Url(randomBytes(32)) }]);
    const url = this.#store.urlAt(this.#store.port);
    const storage = await openStorageUrl(url, { keyring, onWarning: () => {} });
    try {
      const tenant = storageOf(storage, createNamespace('client', 'alice'));
      const id = randomUUID();
      const keys = [
        ['resume', 'waiting', id] as const,
        tenant.key(['continuation', id]),
        tenant.key(['pending', id]),
      ];
      const expiresAtMs = Date.now() + 600_000;
      for (const put of keys) await storage.commit([{ put, value: new Uint8Array(64), expiresAtMs }]);
    } finally {
      await storage.close();
    }
  }

  /** Everything that was begun comes to its end, and what it came to is written down. */
  async settle(): Promise<void> {
    const keyring = openKeyringFile(this.#keyringFile);
    const storage = await openStorageUrl(this.#store.urlAt(this.#store.port), {
      keyring,
      onWarning: () => {},
    });
    try {
      const deadline = performance.now() + quiesceMs;
      const continuations = new Continuations({ storage });
      const parked = (): LogEvent[] =>
        readHistory(this.#options.directory).filter(({ op, k }) => op === 'park' && k === 'ok');
      let unsettled = parked();
      while (performance.now() < deadline) {
        const states = await Promise.all(unsettled.map((event) => stateOf(continuations, event)));
        unsettled = unsettled.filter((_, index) => !isOver(states[index]));
        if (this.#working.size === 0 && unsettled.length === 0) {
          unsettled = parked();
          const again = await Promise.all(unsettled.map((event) => stateOf(continuations, event)));
          if (again.every(isOver)) break;
        }
        await sleep(250);
      }
      await this.#callOnce();
      for (const event of parked()) {
        const status = await stateOf(continuations, event);
        this.#log.say({ k: 'info', op: 'final-continuation', id: event.request ?? '', ns: event.ns, status });
      }
      this.#log.say({ k: 'info', op: 'final', id: 'final' });
    } finally {
      await storage.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.close()));
    await Promise.all(this.#working);
  }

  /** A call of everybody who has ever signed in. Half of them need a refresh for it. */
  async #callOnce(): Promise<void> {
    const signedIn = readHistory(this.#options.directory).filter(({ op, k }) => op === 'login' && k === 'ok');
    const names = [...new Set(signedIn.map(({ ns }) => ns ?? ''))];
    await Promise.all(
      names.map(async (ns, index) => {
        if (index % 2 === 0) this.#web.server.tokens.expireAccessTokens({ of: ns, inUse: true });
        const host = this.#hosts[index % this.#hosts.length];
        // What failed a moment ago is not tried again for two seconds; that is no lost grant.
        for (let tries = 0; tries < 4; tries++) {
          const ended = await host?.do({ do: 'call', id: randomUUID(), ns });
          if (ended !== undefined && ended.code === undefined) break;
          await sleep(800);
        }
        await host?.do({ do: 'call', op: 'final-call', id: randomUUID(), ns });
      }),
    );
  }

  #begin({ kind, ns, host }: PlannedOperation): void {
    if (this.#working.size > maxInFlight) {
      this.#log.say({ k: 'info', op: 'skipped', id: randomUUID(), what: 'too much under way' });
      return;
    }
    if (kind !== 'storm') {
      this.#track(this.#ask(host, kind, ns));
      return;
    }
    // The server ends a token early, and many find out at the same time, everywhere.
    this.#web.server.tokens.expireAccessTokens({ of: ns, inUse: true, once: host === 0 });
    for (let call = 0; call < 6; call++) this.#track(this.#ask(host + call, 'call', ns));
  }

  async #ask(first: number, what: 'ask' | 'wait' | 'call' | 'logout', ns: string): Promise<void> {
    const host = this.#alive(first)[0];
    if (host === undefined)
      this.#log.say({ k: 'info', op: 'skipped', id: randomUUID(), what: 'no host is up' });
    await host?.do({ do: what, id: randomUUID(), ns });
  }

  #alive(first: number): HostPlace[] {
    const hosts = this.#hosts.map((_, index) => this.#hosts[(first + index) % this.#hosts.length]);
    return hosts.filter((host) => host !== undefined && host.isAlive) as HostPlace[];
  }

  #onLink({ ns, url, expiresAtMs }: Extract<FromHost, { link: unknown }>['link']): void {
    if (this.#links.has(url)) return;
    this.#links.add(url);
    const count = this.#linkCounts.get(ns) ?? 0;
    this.#linkCounts.set(ns, count + 1);
    const plan = this.#schedule.personOf(ns, count);
    if (plan.decision === 'ignore') return;
    this.#track(
      (async () => {
        await sleep(plan.afterMs);
        await visit({
          ns,
          id: randomUUID(),
          link: url,
          plan,
          patienceMs: Math.min(signInTtlMs, Math.max(1_000, expiresAtMs - Date.now())),
          findHosts: (first) => this.#alive(first).flatMap(({ port }) => port ?? []),
          log: this.#log,
        });
      })(),
    );
  }

  #track(work: Promise<unknown>): void {
    const tracked = work.finally(() => this.#working.delete(tracked));
    this.#working.add(tracked);
  }
}

async function stateOf(continuations: Continuations, { ns, request }: LogEvent): Promise<string> {
  const found = await continuations
    .find(createNamespace('client', ns ?? ''), request ?? '')
    .catch(() => undefined);
  return found?.status ?? 'gone';
}

function isOver(status: string | undefined): boolean {
  return status === 'done' || status === 'abandoned';
}
