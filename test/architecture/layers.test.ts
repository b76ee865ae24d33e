import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  globalFetches,
  importCircles,
  layerViolations,
  longSources,
  nodeModulesReached,
} from './layer-violations.ts';
import { layers, maxLines, tables } from './layer-table.ts';
import { importsOf, readSources } from './source-imports.ts';

const sources = await readSources(fileURLToPath(new URL('../../src', import.meta.url)));
const plant = (file: string, source: string): Map<string, string> => new Map([...sources, [file, source]]);

describe('the sources', () => {
  test('are found', () => {
    expect(sources.size).toBeGreaterThan(20);
    expect([...sources.keys()]).toContain('core/postern-error.ts');
    expect(importsOf(sources.get('sync/lease.ts') ?? '').length).toBeGreaterThan(3);
  });

  test('import only what lies below them', () => {
    expect(layerViolations(sources)).toEqual([]);
  });

  test('read the global fetch at one place', () => {
    expect(globalFetches(sources)).toEqual([]);
    expect(globalFetches(plant('oauth/planted.ts', 'const send = globalThis.fetch;'))).toEqual([
      'oauth/planted.ts',
    ]);
  });

  test('reach no node: module from an entry that promises to run everywhere', () => {
    expect(nodeModulesReached(sources)).toEqual([]);
  });

  test('import one another in no circle, not even for types', () => {
    expect(importCircles(sources)).toEqual([]);
  });

  test('name what they use of the schema library, so that bundlers can leave out the rest: 40 languages, for one', () => {
    const wholes = [...sources].filter(([, source]) => /import \{[^}]*\bz\b[^}]*\} from 'zod'/.test(source));
    expect(wholes.map(([file]) => file)).toEqual([]);
  });

  test('are no longer than 400 lines each, unless they are one table', () => {
    expect(longSources(sources)).toEqual([]);
    expect(tables.filter((file) => !sources.has(file))).toEqual([]);
  });
});

describe('the layer table', () => {
  test('names every folder after all it may import, so no two folders import each other', () => {
    const names = Object.keys(layers);
    for (const [folder, allowed] of Object.entries(layers)) {
      for (const below of allowed) expect(names.indexOf(below)).toBeLessThan(names.indexOf(folder));
    }
  });

  test('keeps the two faces apart', () => {
    expect(layers['client']).not.toContain('oob');
    expect(layers['oob']).not.toContain('client');
  });

  test.each([
    ['an upward import', 'core/planted.ts', "import { tryAcquireLease } from '../../src/sync/lease.ts';"],
    [
      'an upward import of a type',
      'core/planted.ts',
      "import type { Lease } from '../../src/sync/lease.ts';",
    ],
    ['an upward re-export', 'core/planted.ts', "export * from '../../src/sync/lease.ts';"],
    [
      'an upward import over several lines',
      'core/planted.ts',
      "import {\n  Lease,\n} from '../../src/sync/lease.ts';",
    ],
    ['an upward import for its effect', 'core/planted.ts', "import '../../src/sync/lease.ts';"],
    ['an upward import()', 'core/planted.ts', "export const late = await import('../../src/sync/lease.ts');"],
    [
      'a driver behind the contract',
      'client/planted.ts',
      "import { openSqlite } from '../storage/sqlite/index.ts';",
    ],
    ['a driver inside the contract', 'storage/planted.ts', "import { openSqlite } from './sqlite/index.ts';"],
    ['a driver in the entry', 'index.ts', "export * from './storage/redis/index.ts';"],
    ['one face in the other', 'oob/planted.ts', "import { Client } from '../client/client.ts';"],
    ['a face in what both are made of', 'interaction/planted.ts', "import { Oob } from '../oob/oob.ts';"],
    [
      'memory as a fall-back',
      'pending/planted.ts',
      "import { MemoryBackend } from '../../src/storage/memory-backend.ts';",
    ],
    ['a node: module', 'client/planted.ts', "import { createServer } from 'node:http';"],
    ['a node module without its prefix', 'client/planted.ts', "import { createServer } from 'http';"],
    [
      'the protocol in the kernel',
      'pending/planted.ts',
      "import { Client } from '@modelcontextprotocol/client';",
    ],
    ['a token request outside src/oauth', 'client/planted.ts', "import * as oauth from 'oauth4webapi';"],
    ['a folder nobody named', 'shared/planted.ts', "import { Secret } from '../../src/core/secret.ts';"],
  ])('refuses %s', (_what, file, source) => {
    const violations = layerViolations(plant(file, source));
    expect(violations.filter((line) => line.startsWith(`src/${file} `))).toHaveLength(1);
  });

  test('refuses a node: module that a portable entry reaches through another file', () => {
    const planted = plant('core/index.ts', "export * from './deep.ts';");
    planted.set('index.ts', "export * from './core/index.ts';");
    planted.set('core/deep.ts', "import { readFile } from 'node:fs/promises';");
    expect(nodeModulesReached(planted)).toContain(
      'index.ts → core/index.ts → core/deep.ts → node:fs/promises',
    );
  });

  test('lets a portable entry import() a node: module when it is needed', () => {
    const planted = plant('index.ts', "export const late = (): unknown => import('./client/stdio.ts');");
    planted.set('client/stdio.ts', "import { spawn } from 'node:child_process';");
    expect(nodeModulesReached(planted).filter((chain) => chain.startsWith('index.ts '))).toEqual([]);
  });

  test.each([
    ['storage/sqlite/planted.ts', 'storage/redis/planted.ts'],
    ['storage/keyring-file.ts', 'storage/keyring.ts'],
    ['interaction/this-machine/planted.ts', 'interaction/planted.ts'],
  ])('lets %s import node: modules, and not %s', (file, other) => {
    const source = "import { readFile } from 'node:fs/promises';";
    expect(layerViolations(new Map([[file, source]]))).toEqual([]);
    expect(layerViolations(new Map([[other, source]]))).toHaveLength(1);
  });

  test.each([
    "import { request } from 'node:http';",
    "import http from 'node:http';",
    "import * as net from 'node:net';",
    "import 'node:https';",
    "import { createServer, connect } from 'node:net';",
    "export { connect } from 'node:tls';",
    "export const late = import('node:http2');",
    "import { lookup } from 'node:dns/promises';",
    "import { fetch } from 'undici';",
  ])('refuses a way out beside the one that there is: %s', (source) => {
    const refused = 'requests leave the process at src/http';
    expect(layerViolations(new Map([['expose/planted.ts', source]]))).toEqual([
      expect.stringContaining(refused),
    ]);
    expect(layerViolations(new Map([['http/node/planted.ts', source]]))).toEqual([]);
  });

  test('lets whoever listens take what listens, and the types of the rest', () => {
    const source =
      "import { createServer, type Server } from 'node:http';\nimport type { Socket } from 'node:net';";
    expect(layerViolations(new Map([['expose/planted.ts', source]]))).toEqual([]);
  });

  test.each(['import', 'import type', 'export type'])('refuses a circle closed by `%s`', (word) => {
    const circle = new Map([
      ['core/a.ts', "import { b } from './b.ts';"],
      ['core/b.ts', `${word} { c } from './c.ts';`],
      ['core/c.ts', "import { a } from './a.ts';"],
      ['core/outside.ts', "import { a } from './a.ts';"],
    ]);
    expect(importCircles(circle)).toEqual(['core/a.ts ↔ core/b.ts ↔ core/c.ts']);
  });

  test('refuses a source that is one line too long', () => {
    const lines = (count: number): string => '//\n'.repeat(count);
    expect(longSources(new Map([['core/a.ts', lines(maxLines)]]))).toEqual([]);
    expect(longSources(new Map([['core/a.ts', lines(maxLines + 1)]]))).toEqual(['core/a.ts']);
  });
});
