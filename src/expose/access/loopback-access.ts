import { createNamespace } from '../../namespace/namespace.ts';
import type { Access } from './access.ts';

/** Whoever is at this machine. */
export const loopbackUser: string = createNamespace('user', 'this-machine').partition;

/** Whoever reaches a loopback address is at this machine: one user. */
export function loopbackAccess(): Access {
  return { admit: () => Promise.resolve({ user: loopbackUser }) };
}
