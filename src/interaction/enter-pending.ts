import { FollowingValue } from '../core/following-value.ts';
import type { Namespace } from '../namespace/namespace.ts';
import type { Pending } from '../pending/pending.ts';

const entered = new FollowingValue<Pending>();

/** The pending whose page or callback is being answered; where {@link FollowingValue} cannot follow, none. */
export function currentPending<T>(): Pending<T> | undefined {
  return entered.current as Pending<T> | undefined;
}

/** The namespace of {@link currentPending}. */
export function currentNamespace(): Namespace | undefined {
  return entered.current?.namespace;
}

/** Runs something as part of answering a pending's page. */
export function enterPending<T, R>(pending: Pending<T>, work: () => R): R {
  return entered.run(pending, work);
}

const tried = new FollowingValue<Pending>();

/** The pending that a parked call waits for, which is being tried meanwhile. Nothing is kept from its handler by that. */
export function currentTry<T>(): Pending<T> | undefined {
  return tried.current as Pending<T> | undefined;
}

/** Runs the handler of a parked call that is tried while its pending lives. */
export function enterTry<T, R>(pending: Pending<T>, work: () => R): R {
  return tried.run(pending, work);
}
