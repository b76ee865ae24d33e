/** What was seen of the other side when something failed. None of it is a secret; texts are bounded and escaped. */
export interface FailureEvidence {
  /** The HTTP status that it answered with. */
  readonly httpStatus?: number | undefined;
  /**
   * Until when nothing is tried again, in milliseconds since the epoch: it asked for that, or has just failed. Of somebody who
   * declined: until when they are not asked again by itself.
   */
  readonly retryAtMs?: number | undefined;
  /**
   * Whether the call that failed may have been carried out all the same: then only who knows that it does no harm twice
   * repeats it. Left out where no call was sent.
   */
  readonly mayHaveRun?: boolean | undefined;
  /** The versions of the protocol that it says it speaks. */
  readonly supportedVersions?: readonly string[] | undefined;
  /** How its process ended, where it is a child of ours: a code, or the name of a signal. */
  readonly exit?: number | string | undefined;
  /** The last that its process wrote to stderr, without what stands in its configured environment. */
  readonly stderr?: string | undefined;
}
