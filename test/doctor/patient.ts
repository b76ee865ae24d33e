import { onTestFinished } from 'vitest';
import { parseServerConfig } from '../../src/client/server-config.ts';
import { examine, findingsOf, type DoctorReport, type ExamineOptions } from '../../src/doctor/index.ts';
import type { FakeProvider } from '../providers/fake-provider.ts';
import { fetchThrough, serveTools } from '../providers/provider-stage.ts';
import type { Call } from '../support/programmable-authorization.ts';
import {
  startProgrammableAuthorizationServer,
  type ProgrammableAuthorizationServer,
  type ProgrammableAuthorizationServerOptions,
} from '../support/programmable-authorization-server.ts';
import { recordOutput } from '../support/outputs.ts';

/** A server to examine, with the authorization server that it names, on one socket under the names of both. */
export interface Patient {
  readonly as: ProgrammableAuthorizationServer;
  readonly examine: (options?: ExamineOptions) => Promise<DoctorReport>;
}

export interface PatientOptions extends Partial<Pick<FakeProvider, 'mcp' | 'issuer' | 'server' | 'replies'>> {
  readonly as?: ProgrammableAuthorizationServerOptions;
}

export async function openPatient(options: PatientOptions = {}): Promise<Patient> {
  const { mcp = 'https://mcp.example/mcp', issuer = 'https://login.example' } = options;
  const as = await startProgrammableAuthorizationServer({
    issuer,
    resource: mcp,
    serve: serveTools,
    ...options.server,
    ...options.as,
  });
  onTestFinished(() => as.close());
  for (const [kind, reply] of Object.entries(options.replies ?? {})) as.on(kind as Call['kind'], reply);
  const fetch = fetchThrough(as);
  return {
    as,
    examine: async (given = {}) => {
      const report = await examine(mcp, { fetch: (url, init) => fetch(url, init), ...given });
      // Whatever is in a report is shown: it is looked through for secrets as all else that is shown.
      recordOutput('a report', JSON.stringify(report));
      // Whatever is advised for the configuration is taken by it.
      for (const { configure } of findingsOf(report)) parseServerConfig('server', { url: mcp, ...configure });
      return report;
    },
  };
}

/** The names of what was found, the worst first. */
export function idsOf(report: DoctorReport): readonly string[] {
  return findingsOf(report).map(({ id }) => id);
}

/** One finding of a report. */
export function findingOf(report: DoctorReport, id: string): ReturnType<typeof findingsOf>[number] {
  const found = findingsOf(report).find((finding) => finding.id === id);
  if (found === undefined) throw new Error(`${id} was not found, but ${idsOf(report).join(', ')}`);
  return found;
}
