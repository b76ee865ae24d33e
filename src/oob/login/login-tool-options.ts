import type { NamedFlow } from '../../interaction/flow.ts';
import type { ToolOptions } from '../call.ts';

/** What a login tool logs in to, and how. */
export interface LoginToolOptions<C = unknown> extends Pick<ToolOptions, 'waitMs' | 'sessionWaitMs'> {
  /**
   * What the accounts are at: a host, as a rule. Their credentials are kept under it, each under its account's name as
   * alias. Tools whose flows lead to the same kind of credential can share it, and with it the accounts; others cannot.
   */
  readonly resource: string;
  /**
   * How a person logs in: any flow of the same `Oob`. What the person calls the account comes to its `begin` as
   * `loginHint`, left out where they said nothing, and, in lower case, as `alias`.
   */
  readonly flow: NamedFlow<C>;
  readonly scopes?: readonly string[] | undefined;
  /** What people call the service. Default: `resource`. */
  readonly service?: string | undefined;
  /** The name of the tool. Default `login`. */
  readonly name?: string | undefined;
  /** What the tool says of itself, to the model. */
  readonly description?: string | undefined;
  /** What a handle is here, to the model: `Your address, such as al@home.example`. */
  readonly handleDescription?: string | undefined;
  /**
   * Brings what was given as a handle into the form that the service takes; `undefined` when there is none in it. What it
   * is given has no invisible signs, no blanks around it, and no `@` before it. Default: as it is.
   *
   * @throws {PosternError} whose hint tells the person what is wrong with it.
   */
  readonly normalizeHandle?: ((handle: string) => string | undefined) | undefined;
  /** What a form is to be filled in with, of what is no secret. */
  readonly details?:
    | ((handle: string | undefined) => Readonly<Record<string, string | number | boolean>>)
    | undefined;
}
