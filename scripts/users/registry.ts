import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openListener, type Listener } from '../../demo/open-listener.ts';

/**
 * A package registry on this machine: it has the package as it would be published, and leads on to the real one for all the
 * others. So `npm install postern` is typed as it stands in the guides.
 */
export async function openRegistry(root: string, scratch: string): Promise<Listener> {
  const npm = (...args: string[]): string =>
    execFileSync('npm', args, { cwd: root, encoding: 'utf8' }).trim();
  const elsewhere = npm('config', 'get', 'registry').replace(/\/$/u, '');
  // --ignore-scripts: `prepack` would build again.
  const packed = npm('pack', '--ignore-scripts', '--silent', '--pack-destination', scratch);
  const tarball = readFileSync(join(scratch, packed));
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
  };
  const { name, version } = manifest;
  const listener = await openListener();
  const dist = {
    tarball: `${listener.origin}/${name}/-/${packed}`,
    integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
  };
  listener.serve((request) => {
    const { pathname } = new URL(request.url);
    if (pathname === `/${name}`)
      return Response.json({
        name,
        'dist-tags': { latest: version },
        versions: { [version]: { ...manifest, dist } },
      });
    if (pathname === `/${name}/-/${packed}`) return new Response(tarball);
    return Response.redirect(`${elsewhere}${pathname}`, 302);
  });
  return listener;
}
