import type { HttpAnswer, RequestHeaders } from '../http/http-answer.ts';

/** Somebody who may call. */
export interface Caller {
  /** Whose children and sessions are theirs: the partition of their namespace. */
  readonly user: string;
}

/** Who may call, and how that is told. */
export interface Access {
  /** Tells who calls from the headers alone, before anything of the body is read: a caller, or the answer that turns them away. */
  admit(headers: RequestHeaders): Promise<Caller | HttpAnswer>;
  /** Answers what is public about it. */
  describe?(path: string): Response | undefined;
}
