import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findSecrets } from './secrets.ts';

const state = 'qH3yT0b9kJ2mN5pR8sV1xZ4cF7gK0lQe';
const looked = { marks: { 'a token': 'zsecretz' }, texts: new Set([state]) };

async function findIn(content: string | Buffer): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'postern-secrets-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await mkdir(join(directory, 'store'));
  await writeFile(join(directory, 'store', 'file'), content);
  return findSecrets(directory, looked).map(({ file, what }) => `${file}: ${what}`);
}

test('a token is found in a log, in a binary file, and at every place of base64', async () => {
  const found = ['store/file: a token'];
  await expect(findIn('{"token":"zsecretzAbC"}')).resolves.toEqual(found);
  await expect(findIn(Buffer.concat([Buffer.from([0, 255]), Buffer.from('zsecretz')]))).resolves.toEqual(
    found,
  );
  for (const before of ['', 'x', 'xy']) {
    await expect(findIn(Buffer.from(`${before}zsecretzAbC`).toString('base64'))).resolves.toEqual(found);
  }
});

test('a state is found by itself, and in a URL', async () => {
  await expect(findIn(`GET /callback?code=1&state=${state}`)).resolves.toEqual([
    'store/file: a state or verifier',
  ]);
});

test('hashes and other ids are not taken for secrets', async () => {
  await expect(findIn(`secret zsecre ${state.toLowerCase()} ${state.slice(1)}`)).resolves.toEqual([]);
});

test('a mark that chance would write into sealed bytes is refused', () => {
  const options = { marks: { 'a canary': 'CNRY ' }, texts: new Set<string>() };
  expect(() => findSecrets(tmpdir(), options)).toThrow(RangeError);
});
