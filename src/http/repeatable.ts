/**
 * Set on the `init` of a request that does no more when it comes twice, as a `GET` never does: where its server has closed the
 * kept connection that it was sent on, it is sent once more, on another. A `fetch` that is not ours leaves it alone.
 *
 * @see RFC 9110 §9.2.2
 */
export const mayComeTwice: unique symbol = Symbol('postern.mayComeTwice');

/** A request, with the word of whoever makes it. */
export interface RepeatableInit extends RequestInit {
  readonly [mayComeTwice]?: boolean | undefined;
}
