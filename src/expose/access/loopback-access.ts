import { createNamespace } from '../../namespace/namespace.ts';
import type { Access } from './access.ts';

/** Whoever reaches a loopback address is at this machine: one user. */
export function loopbackAccess(): Access {
  const { partition } = createNamespace('user', 'this-machine');
  return { admit: () => Promise.resolve({ user: partition }) };
}
