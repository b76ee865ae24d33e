// Writes the pages of docs/ that are made from tables in the sources, and the tables of what was played with frameworks.
//
//   node scripts/render-docs.ts
import { readFileSync, writeFileSync } from 'node:fs';
import { withShortTable, withWholeTable } from './agents-tables.ts';
import { renderDoctorPage } from './doctor-page.ts';
import { renderCliPage } from './cli-page.ts';
import { renderErrorsPage } from './errors-page.ts';
import { renderProvidersPage } from './providers-page.ts';
import { renderSessionStatesPage } from './session-states-page.ts';
import { renderStorageSchemaPage } from './storage-schema-page.ts';

const docs = new URL('../docs/', import.meta.url);
writeFileSync(new URL('doctor.md', docs), renderDoctorPage());
writeFileSync(new URL('cli.md', docs), await renderCliPage());
writeFileSync(new URL('errors.md', docs), renderErrorsPage());
writeFileSync(new URL('providers.md', docs), renderProvidersPage());
writeFileSync(new URL('session-states.md', docs), renderSessionStatesPage());
writeFileSync(new URL('storage-schema.md', docs), renderStorageSchemaPage());

const refill = (page: URL, fill: (text: string) => string): void =>
  writeFileSync(page, fill(readFileSync(page, 'utf8')));
refill(new URL('../README.md', docs), withShortTable);
refill(new URL('agents.md', docs), withWholeTable);
