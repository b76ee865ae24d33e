import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What a program says on stderr that gives these options to a coordinator and skips whose browser it is. */
function heard(options: string): string {
  const program = `
    import { MemoryBackend, silentLogger } from './src/index.ts';
    import { RemoteAuthCoordinator, skipUserVerification } from './src/client/index.ts';
    const storage = new MemoryBackend();
    new RemoteAuthCoordinator({ storage, publicUrl: 'https://a.example', [skipUserVerification]: true, ${options} });
  `;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program];
  return spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', timeout: 30_000 }).stderr;
}

test('a program that gives no logger hears a warning, in one line on stderr', () => {
  expect(heard('')).toBe(
    'postern warning: a security exception has decided option=skipUserVerification by=option\n',
  );
});

test('a program that gives the silent logger hears nothing', () => {
  expect(heard('logger: silentLogger')).toBe('');
});
