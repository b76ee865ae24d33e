import type { AuthorizationRequiredError } from '../auth/authorization-required-error.ts';

/** What only some call waits for, while all others go on working. */
export class StepUp {
  #asked: { readonly required: AuthorizationRequiredError; readonly key: string | undefined } | undefined;

  ask(required: AuthorizationRequiredError, key: string | undefined): void {
    this.#asked = { required, key };
  }

  /** A call went through. */
  succeeded(call: { readonly key: string | undefined }): void {
    if (this.#asked !== undefined && this.#asked.key === call.key) this.#asked = undefined;
  }

  forget(): void {
    this.#asked = undefined;
  }

  /** What is asked for and not yet too late for. */
  at(nowMs: number): AuthorizationRequiredError | undefined {
    const required = this.#asked?.required;
    return required !== undefined && required.challenge.expiresAtMs > nowMs ? required : undefined;
  }
}
