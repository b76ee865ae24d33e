import type { NamespaceProvider } from './namespace-provider.ts';
import { createNamespace } from './namespace.ts';

/**
 * One namespace for every caller, whoever they are.
 *
 * Only for a server with one user, such as one started on their own machine. With several users each of them
 * would act with the credentials of all.
 *
 * @throws {PosternError} ERR_POSTERN_NAMESPACE_INVALID as `createNamespace` does.
 */
export function fixedNamespace(id: string): NamespaceProvider {
  const namespace = createNamespace('user', id);
  return { resolve: () => Promise.resolve(namespace) };
}
