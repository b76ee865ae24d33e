/** Somebody the host knows. */
export interface Person {
  /** The principal's id. */
  readonly id: string;
  /** What to call them on the pages, so that they see which of their accounts it is: a name, an address. */
  readonly name?: string | undefined;
}

type Answer = string | Person | Response | undefined;

/**
 * Who is at the browser: the principal's id, or that and a name; `undefined` for nobody the host knows;
 * or what to answer instead, such as a redirect to the host's own sign-in page.
 */
export type VerifyUser = (request: Request) => Promise<Answer> | Answer;
