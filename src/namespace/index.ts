export { createNamespace, namespaceOf, storageOf, type Namespace } from './namespace.ts';
