import { ThisMachine, type ThisMachineOptions } from '../../interaction/this-machine/this-machine.ts';
import type { InteractionData } from '../../interaction/flow.ts';
import { findSignInCode, type SignInCode } from '../../interaction/oauth/sign-in-code.ts';
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
  /** Is given every link or code that a person has to act on by themselves. Default: some lines on stderr. */
  readonly onLink?: ((link: SignInLink) => void) | undefined;
}

/** What a person at a terminal is shown. */
export interface SignInLink extends Partial<SignInCode> {
  /** Leads to this machine. Where there is a code, that is enough, and this may be out of their browser's reach. */
  readonly url: string;
  readonly server: string;
  /** Which of their accounts there. */
  readonly alias: string;
  readonly expiresAtMs: number;
  /** For {@link AuthCoordinator.authorizationUrl}, where no browser reaches this machine. */
  readonly pendingId: string;
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

  protected override async signInBy(): Promise<'redirect' | 'device'> {
    const { signInBy = 'auto' } = this.#options;
    if (signInBy !== 'auto') return signInBy;
    return (await this.#reachesBrowser()) ? 'redirect' : 'device';
  }

  async #show(pending: Pending<InteractionData>): Promise<void> {
    const { autoOpenBrowser = true, openBrowser } = this.#options;
    const isByCode = findSignInCode(pending) !== undefined;
    if (autoOpenBrowser && !isByCode && (await this.#reachesBrowser())) {
      const open =
        openBrowser ?? (await import('../../interaction/this-machine/open-browser.ts')).openBrowser;
      if (await open(pending.url)) return;
    }
    this.#tell(pending);
  }

  /** Whoever brings an opener of their own knows that there is a browser. */
  async #reachesBrowser(): Promise<boolean> {
    if (this.#options.openBrowser !== undefined) return true;
    return (await import('../../interaction/this-machine/reaches-browser.ts')).reachesBrowser();
  }

  #tell(pending: Pending<InteractionData>): void {
    const { id: pendingId, url, expiresAtMs, data } = pending;
    const { server, alias } = accountAt(data?.request.alias ?? '');
    const link = { url, server, alias, expiresAtMs, pendingId, ...findSignInCode(pending) };
    (this.#options.onLink ?? printLink)(link);
  }
}

function printLink({ url, server, userCode, verificationUri }: SignInLink): void {
  const name = JSON.stringify(server);
  const lines =
    userCode === undefined || verificationUri === undefined
      ? [`Open this link to sign in to ${name}:`, `  ${url}`]
      : [
          `To sign in to ${name}, open this page in any browser, and enter the code ${userCode} there:`,
          `  ${verificationUri}`,
        ];
  // A terminal's own coordinator, with nobody told otherwise: the person must see the link somewhere.
  // oxlint-disable-next-line no-console
  console.error(lines.join('\n'));
}
