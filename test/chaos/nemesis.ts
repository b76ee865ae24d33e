import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostPlace } from './host-process.ts';
import type { OperationLog } from './operation-log.ts';
import type { PlannedFault } from './schedule.ts';
import type { ChaosStore } from './stores.ts';

export interface NemesisOptions {
  readonly hosts: readonly HostPlace[];
  readonly store: ChaosStore;
  readonly log: OperationLog;
  /** Puts records into the store that no process can read. */
  readonly corrupt: () => Promise<void>;
}

/** Makes things go wrong, and in the end well again. */
export class Nemesis {
  readonly #options: NemesisOptions;
  readonly #doing = new Set<Promise<void>>();
  #isOver = false;

  constructor(options: NemesisOptions) {
    this.#options = options;
  }

  /** Begins a fault; it ends by itself. */
  strike(fault: PlannedFault): void {
    const doing = this.#strike(fault)
      .catch((error: unknown) => {
        const what = error instanceof Error ? error.message : 'unknown';
        this.#options.log.say({
          k: 'info',
          op: 'fault-failed',
          id: randomUUID(),
          what: `${fault.kind}: ${what}`,
        });
      })
      .finally(() => this.#doing.delete(doing));
    this.#doing.add(doing);
  }

  /** Ends every fault, and starts what was killed. */
  async relent(): Promise<void> {
    this.#isOver = true;
    const { hosts } = this.#options;
    for (const host of hosts) {
      host.thaw();
      host.setClock(0);
      host.storeProxy?.pass();
      host.webProxy.pass();
    }
    await Promise.all(this.#doing);
    // What was begun before may have ended in a fault anew.
    for (const host of hosts) {
      host.thaw();
      host.setClock(0);
      host.storeProxy?.pass();
      host.webProxy.pass();
    }
    for (const host of hosts) {
      for (let tries = 0; !host.isAlive && tries < 3; tries++) await host.start().catch(() => {});
    }
  }

  async #strike({ kind, host: index, lengthMs, byMs }: PlannedFault): Promise<void> {
    const { hosts, store, log, corrupt } = this.#options;
    const host = hosts[index % hosts.length];
    if (host === undefined) return;
    const say = (op = 'fault', actualMs = lengthMs): void =>
      log.say({
        k: 'info',
        op,
        id: randomUUID(),
        what: kind,
        host: host.name,
        lengthMs: Math.round(actualMs),
      });
    const { storeProxy, webProxy } = host;
    switch (kind) {
      case 'kill':
        if (!host.isAlive) return;
        say();
        await host.kill();
        await sleep(lengthMs);
        if (!this.#isOver && !host.isAlive) await host.start();
        return;
      case 'freeze': {
        if (!host.isAlive || host.isFrozen) return;
        const { name } = host;
        say('freeze');
        host.freeze();
        await this.#pause(lengthMs);
        if (host.name === name) host.thaw();
        return;
      }
      case 'clock':
        say();
        host.setClock(byMs);
        await this.#pause(lengthMs);
        host.setClock(0);
        return;
      case 'corrupt-record':
        say();
        return corrupt();
      case 'store-restart':
        say();
        return store.restart(lengthMs);
      case 'store-cut':
        say();
        return storeProxy?.cut();
      case 'store-cut-reply':
        say();
        void storeProxy?.cutNext('reply');
        return;
      case 'store-delay':
        say();
        storeProxy?.delay(byMs);
        await this.#pause(lengthMs);
        return storeProxy?.pass();
      case 'store-black-hole':
        say();
        storeProxy?.blackHole();
        await this.#pause(lengthMs);
        return storeProxy?.pass();
      case 'store-refuse':
        say();
        storeProxy?.refuse();
        await this.#pause(lengthMs);
        return storeProxy?.pass();
      case 'web-cut-reply':
        say();
        void webProxy.cutNext('reply');
        return;
      case 'web-black-hole':
        say();
        webProxy.blackHole();
        await this.#pause(lengthMs);
        return webProxy.pass();
    }
  }

  async #pause(lengthMs: number): Promise<void> {
    for (const end = performance.now() + lengthMs; !this.#isOver && performance.now() < end;) {
      await sleep(Math.min(50, end - performance.now()));
    }
  }
}
