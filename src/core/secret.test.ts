import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { format, inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { PosternError } from './postern-error.ts';
import { Secret } from './secret.ts';

const canary = 'CNRY_password_hunter2';
const secret = new Secret(canary);

function printed(value: unknown): string {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  new Console(stream, stream).log(value, '%s %o %j', value, { value });
  return text;
}

describe('Secret', () => {
  test('gives its value to reveal(), and to nothing else', () => {
    expect(secret.reveal()).toBe(canary);
    expect(Object.keys(secret)).toEqual([]);
    expect(Reflect.ownKeys(secret)).toEqual([]);
    expect(structuredClone(secret)).toEqual({});
  });

  test.each<[string, (value: Secret) => string]>([
    ['JSON.stringify', (value) => JSON.stringify({ value, list: [value] })],
    ['a template string', (value) => `a ${value as unknown as string}`],
    ['concatenation', (value) => 'a' + String(value)],
    ['join', (value) => [value, value].join(' ')],
    [
      'util.inspect',
      (value) => inspect({ value, map: new Map([['a', value]]) }, { depth: 20, showHidden: true }),
    ],
    [
      'util.inspect without custom inspectors',
      (value) => inspect(value, { customInspect: false, showHidden: true }),
    ],
    ['util.format', (value) => format('%s %o %O %j', value, value, value, value)],
    ['console.log', printed],
    ['Object.prototype.toString', (value) => Object.prototype.toString.call(value)],
    [
      'the message of an error',
      (value) => inspect(new PosternError('ERR_POSTERN_LEASE_LOST', `with ${String(value)}`)),
    ],
    ['the form of a URL', (value) => new URLSearchParams({ value: String(value) }).toString()],
  ])('shows as redacted through %s', (_name, show) => {
    const text = show(secret);
    expect(text).not.toContain(canary);
    expect(text).toMatch(/\[secret\]|%5Bsecret%5D|Secret/u);
  });

  test('keeps a value that is no text out of sight as well', () => {
    const keys = new Secret({ key: canary });
    expect(inspect(keys) + JSON.stringify(keys) + String(keys)).not.toContain(canary);
    expect(keys.reveal()).toEqual({ key: canary });
  });
});
