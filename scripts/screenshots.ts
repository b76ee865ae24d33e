// Makes a picture of every page, in every look and language that the tests know, by day and by night, 320 pixels wide.
//
//   node scripts/screenshots.ts [folder]     default: results/screenshots
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const folder = resolve(process.argv[2] ?? `${root}/results/screenshots`);
rmSync(folder, { recursive: true, force: true });
const { status } = spawnSync('vitest', ['run', 'test/pages/every-page.test.ts', '-t', 'axe'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, POSTERN_SCREENSHOTS: folder, POSTERN_REQUIRE_SERVICES: '1' },
});
console.log(`The pictures are in ${folder}`);
process.exitCode = status ?? 1;
