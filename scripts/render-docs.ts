// Writes the pages of docs/ that are made from tables in the sources.
//
//   node scripts/render-docs.ts
import { writeFileSync } from 'node:fs';
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
