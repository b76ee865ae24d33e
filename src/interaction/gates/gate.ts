import type { Look } from '../../web/look.ts';
import type { Person } from '../../web/verify-user.ts';
import type { Pending, PendingKind } from '../../pending/pending.ts';

/** Who is at a browser, whatever they came for. */
export type Visitor =
  | { readonly is: 'person'; readonly person: Person }
  /** Nobody the host knows. */
  | { readonly is: 'nobody' }
  /** The host answers by itself: a redirect to its own sign-in page. */
  | { readonly is: 'answered'; readonly response: Response };

/** Who is at a browser, compared with who must be. */
export type Verdict =
  /** `person`: what to call them on the pages. */
  | { readonly is: 'initiator'; readonly person?: string | undefined }
  /** `person`: the id that the host knows them by. */
  | { readonly is: 'stranger'; readonly person?: string | undefined }
  | Exclude<Visitor, { readonly is: 'person' }>;

/** An interaction that is about to be asked for, as far as a host may have to know it. */
export interface AskedInteraction {
  /** The id of its namespace: an agent's context, a server's principal. */
  readonly namespace: string;
  readonly initiator: string;
  readonly kind: PendingKind;
  readonly resource: string;
  readonly alias: string;
  /** What the host has given along with the context, or the call. */
  readonly metadata: unknown;
}

/** Something held open; disposing of it lets go. */
export type Held = AsyncDisposable;

/**
 * Where links live, and who may come through: a deployment, or this machine.
 *
 * A page of a link is `<baseUrl>/connect/<id>`; third parties send browsers back to `<baseUrl>/callback`.
 */
export interface Gate {
  /** Without a trailing slash. Of a gate that is opened when it is needed: as of the last `open()`. */
  readonly baseUrl: string;
  /** Where else third parties may send browsers back to, as far as they are told. */
  readonly furtherCallbackUrls?: readonly string[] | undefined;
  /** An https URL that serves this client's metadata document, where there is one. */
  readonly clientMetadataUrl?: string | undefined;
  /** The name in that document; with it, the gate's pages serve the document, too. */
  readonly clientName?: string | undefined;
  /** How its pages look and speak. */
  readonly look: Look;
  /** Whether an end is shown where the browser is, since the gate may be closed before a second request. */
  readonly answersInPlace: boolean;
  /** How long a person has at this gate, where neither the flow nor the host has an opinion. Default 10 minutes. */
  readonly ttlMs?: number | undefined;
  /** Whether whoever opens a link first owns it: nothing else tells people of one machine apart. */
  readonly firstBrowserOwns: boolean;
  /** Makes sure that pages can be reached, before a link is made. */
  open(): Promise<void>;
  /** Compares who is at the browser with the pending's initiator. Asked also where there is no such pending. */
  whoIsThere(request: Request, pending: Pending | undefined): Promise<Verdict>;
  /** Who is there. Left out where nothing tells people apart. */
  readonly whoIs?: ((request: Request) => Promise<Visitor>) | undefined;
  /**
   * Whether somebody whom the host itself has verified, without a browser, is the pending's initiator.
   *
   * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the host must say who it is, and does not.
   */
  isInitiator(person: string | undefined, pending: Pending | undefined): boolean;
  /** Where the person goes back to when it has ended, as the host says. */
  returnTo?(asked: AskedInteraction): string | undefined;
  /** Has the gate's requests answered. Called once. */
  attach(answer: (request: Request) => Promise<Response>): void;
  /** Whether a live link leads to this gate: a link that a stranger would answer is never handed out. */
  leadsHere(pending: Pending): Promise<boolean>;
  /**
   * Keeps a live link reachable from this process, until disposed of.
   *
   * @param lost called, now and then, while somebody else answers the link.
   */
  serve?(pending: Pending, lost: () => void): Promise<Held>;
  /** Is told of every end that this process brings about: the link leads nowhere any more. */
  ended?(pending: Pending): Promise<void>;
  close?(): Promise<void>;
}
