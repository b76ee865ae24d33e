import { ThisMachine, type ThisMachineOptions } from '../../interaction/this-machine/this-machine.ts';
import type { InteractionData } from '../../interaction/flow.ts';
import { findSignInCode } from '../../interaction/oauth/sign-in-code.ts';
import type { Pending } from '../../pending/pending.ts';
import { MemoryBackend } from '../../storage/memory-backend.ts';
import { accountAt } from '../account-alias.ts';
import { AuthCoordinator, type AuthCoordinatorOptions } from './auth-coordinator.ts';
import type { SignInLink } from './sign-in-link.ts';
import { noticeOf, scannable } from './terminal-notice.ts';

export interface LocalAuthCoordinatorOptions
  extends Partial<AuthCoordinatorOptions>, Omit<ThisMachineOptions, 'onTakeOver'> {
  /** Opens the link in the person's browser. Default true. */
  readonly autoOpenBrowser?: boolean | undefined;
  /** Makes whoever needs the sign-in wait until it has ended. Default true. */
  readonly blockUntilCallback?: boolean | undefined;
  /** How the browser is opened; resolves to whether it was, as far as that can be told. */
  readonly openBrowser?: ((url: string) => Promise<boolean>) | undefined;
  /** Is given every link or code for a person, also while a browser opens with it. Default: a line on stderr, and for a code what a camera can read. */
  readonly onLink?: ((link: SignInLink) => void) | undefined;
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
    const opens = autoOpenBrowser && !isByCode && (await this.#reachesBrowser());
    // Told first: an opener that does nothing says that it has done it.
    this.#tell(pending, opens);
    if (!opens) return;
    const open = openBrowser ?? (await import('../../interaction/this-machine/open-browser.ts')).openBrowser;
    // An opener may become the browser: nobody waits for it.
    void open(pending.url).then(
      (isOpen) => isOpen || this.#tell(pending),
      () => this.#tell(pending),
    );
  }

  /** Whoever brings an opener of their own knows that there is a browser. */
  async #reachesBrowser(): Promise<boolean> {
    if (this.#options.openBrowser !== undefined) return true;
    return (await import('../../interaction/this-machine/reaches-browser.ts')).reachesBrowser();
  }

  #tell(pending: Pending<InteractionData>, opens = false): void {
    const { id: pendingId, url, expiresAtMs, data } = pending;
    const { server, alias } = accountAt(data?.request.alias ?? '');
    const link = { url, server, alias, expiresAtMs, pendingId, opens, ...findSignInCode(pending) };
    (this.#options.onLink ?? printLink)(link);
  }
}

/** A terminal's own coordinator, with nobody told otherwise: the person must see it somewhere. */
function printLink(link: SignInLink): void {
  // oxlint-disable-next-line no-console
  const print = (text: string): void => console.error(text);
  print(noticeOf(link));
  const text = scannable(link);
  if (text === undefined) return;
  void import('../../interaction/this-machine/draw-code.ts').then(
    ({ drawCode, terminalWidth }) => {
      const drawn = drawCode(text, terminalWidth() ?? 0);
      if (drawn !== undefined) print(drawn);
    },
    // A runtime without a terminal.
    () => {},
  );
}
