import type { Namespace } from '../namespace/namespace.ts';

/** Whom a call is made for: their namespace, and who may finish what is asked of them. */
export interface Principal {
  readonly namespace: Namespace;
  /** What `verifyUser` must answer for the browser. */
  readonly initiator: string;
}
