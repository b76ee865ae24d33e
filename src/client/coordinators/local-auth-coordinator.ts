import { failureFields } from '../../core/failure-fields.ts';
import { ThisMachine, type ThisMachineOptions } from '../../interaction/this-machine/this-machine.ts';
import type { InteractionData } from '../../interaction/flow.ts';
import { findSignInCode } from '../../interaction/oauth/sign-in-code.ts';
import { isSuperseded, type Pending } from '../../pending/pending.ts';
import { MemoryBackend } from '../../storage/memory-backend.ts';
import { SingleFlight } from '../../sync/single-flight.ts';
import { accountAt } from '../account-alias.ts';
import { AuthCoordinator, type AuthCoordinatorOptions } from './auth-coordinator.ts';
import type { SignInLink } from './sign-in-link.ts';
import { declinedNotice, noticeOf, scannable } from './terminal-notice.ts';

/** How long a person has to say whether they want to be asked again. */
const confirmMs = 30_000;

export interface LocalAuthCoordinatorOptions
  extends Partial<AuthCoordinatorOptions>, Omit<ThisMachineOptions, 'onTakeOver' | 'ttlMs'> {
  /** Opens the link in the person's browser. Default true. */
  readonly autoOpenBrowser?: boolean | undefined;
  /** Makes whoever needs the sign-in wait until it has ended. Default true. */
  readonly blockUntilCallback?: boolean | undefined;
  /** How the browser is opened; resolves to whether it was, as far as that can be told. */
  readonly openBrowser?: ((url: string) => Promise<boolean>) | undefined;
  /**
   * Is given every link or code for a person, also while a browser opens with it. Default: a line on stderr. Where that is a
   * terminal, it says how long they have, draws a code’s address for a camera, and takes the address that the browser of
   * another device ends at.
   */
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
  readonly #closed = new AbortController();
  readonly #confirming = new SingleFlight<boolean>();
  /** The sign-ins whose person has been told here. */
  readonly #shown = new Set<string>();
  /** Where a person has ended a link in another browser: the next is theirs to open, in whichever they like. */
  readonly #endedByHand = new Set<string>();

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

  override async awaitEnd(
    pending: Pending<InteractionData>,
    options: { signal: AbortSignal },
  ): Promise<Pending<InteractionData>> {
    const ended = await super.awaitEnd(pending, options);
    if (isSuperseded(ended)) this.#endedByHand.add(placeOf(ended));
    return ended;
  }

  override async hasPersonAtHand(): Promise<boolean> {
    if (!this.blocksCallers || this.#options.onLink !== undefined) return false;
    return (await import('../../interaction/this-machine/terminal.ts')).hearsAtTerminal();
  }

  /** Asks at the terminal, once for all who come while it is asked. */
  override async wantsAgain(server: string, alias: string): Promise<boolean> {
    if (!(await this.hasPersonAtHand())) return false;
    return this.#confirming.run(JSON.stringify([server, alias]), async () => {
      const { confirmAtTerminal } = await import('../../interaction/this-machine/terminal.ts');
      return confirmAtTerminal(declinedNotice(server, alias), {
        close: () => this.close(),
        timeoutMs: confirmMs,
      });
    });
  }

  protected override async signInBy(): Promise<'redirect' | 'device'> {
    const { signInBy = 'auto' } = this.#options;
    if (signInBy !== 'auto') return signInBy;
    return (await this.#reachesBrowser()) ? 'redirect' : 'device';
  }

  async #show(pending: Pending<InteractionData>): Promise<void> {
    const { autoOpenBrowser = true, openBrowser } = this.#options;
    const isByCode = findSignInCode(pending) !== undefined;
    // One that this opened would own the link again; and what is only told stands in nobody's list of processes.
    const isTheirs = this.#endedByHand.delete(placeOf(pending)) && (await this.#isHeard());
    const opens = autoOpenBrowser && !isByCode && !isTheirs && (await this.#reachesBrowser());
    // Told first: an opener that does nothing says that it has done it.
    this.#tell(pending, opens);
    if (!opens) return;
    const open = openBrowser ?? (await import('../../interaction/this-machine/open-browser.ts')).openBrowser;
    // An opener may become the browser: nobody waits for it.
    void open(pending.url)
      .catch(() => false)
      .then((isOpen) => isOpen || this.#tell(pending))
      .catch((error: unknown) => this.surroundings.logger.error('a link was not told', failureFields(error)));
  }

  /** Whether somebody sees what is told. */
  async #isHeard(): Promise<boolean> {
    if (this.#options.onLink !== undefined) return true;
    return (await import('../../interaction/this-machine/terminal.ts')).isAtTerminal();
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
    if (this.#options.onLink !== undefined) this.#options.onLink(link);
    // oxlint-disable-next-line no-console -- A runtime without a terminal: the person must see it somewhere.
    else this.#print(pending, link).catch(() => console.error(noticeOf(link)));
  }

  /** On stderr, and there until the sign-in has ended. */
  async #print(pending: Pending<InteractionData>, link: SignInLink): Promise<void> {
    const { printLine, showAtTerminal } = await import('../../interaction/this-machine/terminal.ts');
    const line = noticeOf(link);
    // No browser could be opened after all: the rest is there.
    if (this.#shown.has(pending.id)) return printLine(line);
    this.#shown.add(pending.id);
    const ended = this.awaitEnd(pending, { signal: this.#closed.signal }).then(
      () => {},
      () => {},
    );
    const takesPaste = link.userCode === undefined && !link.opens && !(await this.#reachesBrowser());
    await showAtTerminal(
      { line, scannable: scannable(link), expiresAtMs: link.expiresAtMs },
      {
        ended: ended.then(() => void this.#shown.delete(pending.id)),
        close: () => this.close(),
        ...(takesPaste && {
          paste: {
            address: () => this.authorizationUrl({ pendingId: pending.id }),
            take: (address: string) => this.complete(address),
          },
        }),
      },
    );
  }

  override async close(): Promise<void> {
    this.#closed.abort();
    await super.close();
  }
}

function placeOf({ namespace, resource, alias }: Pending): string {
  return JSON.stringify([namespace.partition, resource, alias]);
}
