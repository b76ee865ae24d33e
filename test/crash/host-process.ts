import { ChildProgram } from '../support/child-program.ts';
import type { FromHost, ToHost } from './host-worker.ts';
import { formatKillPoint, type KillPoint } from './kill-points.ts';

/** How a host process is started. */
export interface HostOptions {
  readonly name: string;
  readonly directory: string;
  readonly publicUrl: string;
  readonly calendarUrl: string;
  readonly leaseMs: number;
  readonly killAt?: KillPoint | undefined;
  readonly refreshDelayMs?: number | undefined;
  readonly onMessage?: ((host: HostProcess, message: FromHost) => void) | undefined;
}

/** A host of `host-worker.ts` in a process of its own. */
export class HostProcess extends ChildProgram<ToHost, FromHost> {
  port = 0;

  constructor(options: HostOptions) {
    const { name, directory, publicUrl, calendarUrl, leaseMs, killAt, refreshDelayMs, onMessage } = options;
    super({
      name,
      program: new URL('host-worker.ts', import.meta.url),
      args: [directory, publicUrl, calendarUrl],
      env: {
        LEASE_MS: String(leaseMs),
        ...(killAt && { KILL_AT: formatKillPoint(killAt) }),
        ...(refreshDelayMs && { REFRESH_DELAY_MS: String(refreshDelayMs) }),
      },
      onMessage: (message) => onMessage?.(this, message),
    });
  }

  /** @throws {Error} when it did not start. */
  async started(): Promise<this> {
    this.port = await this.heard('listening', (message) =>
      'listening' in message ? message.listening.port : undefined,
    );
    return this;
  }
}
