import { ChildProgram } from '../support/child-program.ts';
import type { FromMember, ToMember } from './member-process.ts';

/** Where a fleet keeps what it shares. */
export interface FleetPlace {
  readonly storageUrl: string;
  readonly keyringFile: string;
}

/** A process of a fleet, seen from outside. */
export class Member extends ChildProgram<ToMember, FromMember> {
  constructor({ storageUrl, keyringFile }: FleetPlace, { isDeaf = false } = {}) {
    super({
      name: isDeaf ? 'a deaf member' : 'a member',
      program: new URL('member-process.ts', import.meta.url),
      args: [storageUrl, keyringFile, ...(isDeaf ? ['deaf'] : [])],
    });
  }

  /** @throws {Error} when it did not start. */
  async started(): Promise<this> {
    await this.heard('ready', (message) => ('ready' in message ? true : undefined));
    return this;
  }
}
