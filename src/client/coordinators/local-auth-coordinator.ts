import { ThisMachine, type ThisMachineOptions } from '../../interaction/this-machine/this-machine.ts';
import type { InteractionData } from '../../interaction/flow.ts';
import type { Pending } from '../../pending/pending.ts';
import { MemoryBackend } from '../../storage/memory-backend.ts';
import { accountAt } from '../account-alias.ts';
import { AuthCoordinator, type AuthCoordinatorOptions } from './auth-coordinator.ts';

export interface LocalAuthCoordinatorOptions
  extends Partial<AuthCoordinatorOptions>, Omit<ThisMachineOptions, 'onTakeOver'> {
  /** Opens the link in the person's browser. Default true. */
  readonly autoOpenBrowser?: boolean | undefined;
  /** Makes whoever needs the sign-in wait until it has ended. Default true. */
  readonly blockUntilCallback?: boolean | undefined;
  /** How the browser is opened; resolves to whether it was. */
  readonly openBrowser?: ((url: string) => Promise<boolean>) | undefined;
  /** Is given every link that a person has to open by themselves. Default: a line on stderr. */
  readonly onLink?:
    | ((link: { url: string; server: string; alias: string; expiresAtMs: number }) => void)
    | undefined;
}

/**
 * For programs at a terminal: the machine is the user, callbacks come to a loopback listener
 * that is open only while something is pending, and by default calls wait for the person.
 *
 * Several processes on one store show one link. If the process that serves it dies, one that waits takes its port over.
 */
export class LocalAuthCoordinator extends AuthCoordinator {
  readonly #options: LocalAuthCoordinatorOptions;

  constructor(options: LocalAuthCoordinatorOptions = {}) {
    super({ ...options, storage: options.storage ?? new MemoryBackend() }, (surroundings) => {
      const onTakeOver = (pending: Pending, { asked }: { asked: boolean }): void => {
        // A process that died may not have come to show its link. No second tab, though, that nobody asks for: it may have.
        if (asked) void this.#show(pending as Pending<InteractionData>);
        else this.#tell(pending as Pending<InteractionData>);
      };
      return new ThisMachine({ ...options, onTakeOver }, surroundings);
    });
    this.#options = options;
  }

  override get blocksCallers(): boolean {
    return this.#options.blockUntilCallback ?? true;
  }

  override async present(
    pending: Pending<InteractionData>,
    { created }: { created: boolean },
  ): Promise<void> {
    if (created) await this.#show(pending);
  }

  async #show(pending: Pending<InteractionData>): Promise<void> {
    if (this.#options.autoOpenBrowser ?? true) {
      const open =
        this.#options.openBrowser ??
        (await import('../../interaction/this-machine/open-browser.ts')).openBrowser;
      if (await open(pending.url)) return;
    }
    this.#tell(pending);
  }

  #tell({ url, expiresAtMs, data }: Pending<InteractionData>): void {
    const { server, alias } = accountAt(data?.request.alias ?? '');
    (this.#options.onLink ?? printLink)({ url, server, alias, expiresAtMs });
  }
}

function printLink({ url, server }: { url: string; server: string }): void {
  // A terminal's own coordinator, with nobody told otherwise: the person must see the link somewhere.
  // oxlint-disable-next-line no-console
  console.error(`Open this link to sign in to ${JSON.stringify(server)}:\n  ${url}`);
}
