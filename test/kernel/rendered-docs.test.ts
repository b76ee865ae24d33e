import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { withShortTable, withWholeTable } from '../../scripts/agents-tables.ts';
import { renderCliPage } from '../../scripts/cli-page.ts';
import { renderErrorsPage } from '../../scripts/errors-page.ts';
import { renderProvidersPage } from '../../scripts/providers-page.ts';
import { renderSessionStatesPage } from '../../scripts/session-states-page.ts';
import { renderStorageSchemaPage } from '../../scripts/storage-schema-page.ts';
import { sessionStatuses } from '../../src/client/session/session-status.ts';
import { errorCodes } from '../../src/core/error-codes.ts';

const committed = (page: string): string =>
  readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');

describe('docs/errors.md', () => {
  test('is what the table of codes renders to (`node scripts/render-docs.ts` writes it)', () => {
    expect(committed('errors.md')).toBe(renderErrorsPage());
  });

  test('has one row for every code, and every column filled', () => {
    const rows = committed('errors.md')
      .split('\n')
      .filter((line) => line.startsWith('| `ERR_POSTERN_'));
    const codes = rows.map((row) => /^\| `(\w+)`/u.exec(row)?.[1] ?? '');
    expect(codes.toSorted()).toEqual(Object.keys(errorCodes).toSorted());
    expect(rows.filter((row) => !/^\|(?: [^|]+ \|){6}$/u.test(row))).toEqual([]);
  });

  test('cannot be made for a code of an area it does not describe', () => {
    const facts = { meaning: 'New.', fixedBy: 'operator', retry: false, http: 500, exit: 1 } as const;
    expect(() => renderErrorsPage({ ERR_POSTERN_NOWHERE_NEW: facts })).toThrow('NOWHERE');
  });
});

describe('docs/session-states.md', () => {
  test('is what the table of statuses renders to (`node scripts/render-docs.ts` writes it)', () => {
    expect(committed('session-states.md')).toBe(renderSessionStatesPage());
  });

  test('draws every transition but those to DISCONNECTING, and no other', () => {
    const drawn = [...committed('session-states.md').matchAll(/^ {4}(\w+) --> (\w+)$/gmu)].map(
      ([, from, to]) => `${from} ${to}`,
    );
    const legal = Object.entries(sessionStatuses).flatMap(([from, { next }]) =>
      next.map((to) => `${from} ${to}`),
    );
    expect(drawn.toSorted()).toEqual(legal.filter((edge) => !edge.endsWith(' DISCONNECTING')).toSorted());
  });
});

test('docs/providers.md is what the registry of providers renders to (`node scripts/render-docs.ts` writes it)', () => {
  expect(committed('providers.md')).toBe(renderProvidersPage());
});

test('docs/storage-schema.md is what the tables of records render to (`node scripts/render-docs.ts` writes it)', () => {
  expect(committed('storage-schema.md')).toBe(renderStorageSchemaPage());
});

test('docs/cli.md is what the commands say of themselves (`node scripts/render-docs.ts` writes it)', async () => {
  expect(committed('cli.md')).toBe(await renderCliPage());
});

test.each([
  ['agents.md', withWholeTable],
  ['../README.md', withShortTable],
])(
  'docs/%s has the table of what was played with frameworks (`node scripts/render-docs.ts` writes it)',
  (page, fill) => {
    expect(committed(page)).toBe(fill(committed(page)));
  },
);
