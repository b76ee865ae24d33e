import { unpackTarball } from './packed.ts';

/** Once for all files: the tarball as it would be published. */
export function setup(): void {
  unpackTarball();
}
