import type { KeptCredential } from '../interaction/credentials/kept-credential.ts';
import type { Forgotten } from '../interaction/credentials/retirements.ts';
import { interactionOf, type Interaction } from '../interaction/interaction-required-error.ts';
import type { Interactions, WaitForPerson } from '../interaction/interactions.ts';
import type { Place, Want } from '../interaction/want.ts';
import { defaultAlias, type CredentialRequest } from './credential-request.ts';
import type { Principal } from './principal.ts';

/**
 * The credentials of a server's callers: from where they are kept, or from the person they belong to.
 *
 * For one namespace, resource and alias there is one live interaction: whoever asks while it lives, in whichever
 * process, gets the same link and the same outcome.
 */
export class Credentials {
  readonly #interactions: Interactions;

  constructor(interactions: Interactions) {
    this.#interactions = interactions;
  }

  /**
   * The credential.
   *
   * @throws {InteractionRequiredError} when the person has to do something, and has not within `waitMs`.
   * @throws {PosternError} the code of the interaction's end, when they declined, failed or took too long.
   * @throws {PosternError} ERR_POSTERN_AUTH_DENIED when they declined a moment ago; ERR_POSTERN_OOB_LIMIT.
   * @throws the signal's reason when it aborts; the interaction goes on for the others.
   */
  acquire<C>(principal: Principal, request: CredentialRequest<C>, options: WaitForPerson = {}): Promise<C> {
    return this.#interactions.acquire(wantOf(principal, request), request.flow, options);
  }

  /**
   * What the person is to do for another credential, although there may be one already: what they are being asked for, or
   * from now on are. Waits for nobody; what comes of it takes the place of the present one.
   *
   * @throws {PosternError} ERR_POSTERN_AUTH_DENIED when they declined a moment ago; ERR_POSTERN_OOB_LIMIT.
   * @throws what the flow throws when it cannot begin.
   */
  async ask(principal: Principal, request: CredentialRequest<unknown>): Promise<Interaction> {
    for (;;) {
      // Whatever is there is not enough: nothing but a question comes of it.
      const asked = await this.#interactions.ask(wantOf(principal, request), request.flow, () => false);
      if (asked !== undefined) return interactionOf(asked.pending);
    }
  }

  /** The credential, if there is one. Asks nobody. @throws {PosternError} of a renewal that failed. */
  async find<C>(principal: Principal, request: CredentialRequest<C>): Promise<C | undefined> {
    const { credential: kind } = request.flow.flow;
    return (await this.#interactions.credentials.find(placeOf(principal, request), kind))?.credential;
  }

  /**
   * Tells that a service has refused a credential. It is renewed where that needs nobody; otherwise it is no longer given
   * out, and the next `acquire` asks its person. Nothing happens when another one is stored by now.
   */
  async reject<C>(principal: Principal, request: CredentialRequest<C>, refused: C): Promise<void> {
    const place = placeOf(principal, request);
    const { credential: kind } = request.flow.flow;
    const held = await this.#interactions.credentials.peek(place, kind);
    if (held === undefined || JSON.stringify(held.credential) !== JSON.stringify(refused)) return;
    await this.#interactions.refused(place, kind, held.version);
  }

  /**
   * Keeps a credential that the server got elsewhere, as its kind stores it: of a form its values, of OAuth a grant. Whoever waits for it, in any process, has it then.
   *
   * @throws {TypeError} when it is none that the flow could have led to.
   */
  async put<C, S>(
    principal: Principal,
    request: CredentialRequest<C, S>,
    credential: NoInfer<S>,
  ): Promise<void> {
    const { name, flow } = request.flow;
    const { credential: kind } = flow;
    if (kind.read(credential) === undefined) throw new TypeError(`the credential is no usable ${kind.name}`);
    await this.#interactions.put(placeOf(principal, request), { name, flow }, credential, request.scopes);
  }

  /** Forgets a credential, here and at its issuer. What is only no longer good is better told to {@link reject}. */
  forget(principal: Principal, resource: string, alias?: string): Promise<Forgotten> {
    return this.#interactions.forget(placeOf(principal, { resource, alias }));
  }

  /** What there is; at most 1,000. */
  list({ namespace }: Pick<Principal, 'namespace'>): Promise<KeptCredential[]> {
    return this.#interactions.list(namespace);
  }

  /** What the person is being asked for, if anything. Asks nobody. */
  async findInteraction(
    principal: Principal,
    resource: string,
    alias?: string,
  ): Promise<Interaction | undefined> {
    const live = await this.#interactions.findLive(placeOf(principal, { resource, alias }));
    return live && interactionOf(live);
  }

  /** Withdraws what the person is being asked for: nobody wants it any more. Whoever waits for it is told so. */
  async withdraw(principal: Principal, resource: string, alias?: string): Promise<void> {
    const live = await this.#interactions.findLive(placeOf(principal, { resource, alias }));
    if (live !== undefined) await this.#interactions.withdraw(live);
  }

  /** Lets a person who declined a moment ago be asked again: on their own wish. They are not for 60 s otherwise. */
  askAgain(principal: Principal, resource: string, alias?: string): Promise<void> {
    return this.#interactions.askAgain(placeOf(principal, { resource, alias }));
  }
}

function wantOf(principal: Principal, request: CredentialRequest<unknown>): Want {
  const { scopes = [], details, loginHint, reason } = request;
  return {
    ...placeOf(principal, request),
    initiator: principal.initiator,
    scopes,
    details,
    loginHint,
    reason,
  };
}

function placeOf(
  { namespace }: Pick<Principal, 'namespace'>,
  { resource, alias = defaultAlias }: { readonly resource: string; readonly alias?: string | undefined },
): Place {
  return { namespace, resource, alias };
}
