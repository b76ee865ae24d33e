import type { KillPoint, Phase } from './kill-points.ts';
import type { StoryReport } from './story-report.ts';

/** Sent and not yet written down: what only the dead process knew, and no protocol can bring back. */
export const unsaved = {
  registration: { phase: 'ask', request: 'POST /reg', commit: 'commit put registration' },
  code: { phase: 'callback', request: 'POST /token', commit: 'commit put pending' },
  refresh: { phase: 'refresh', request: 'POST /token', commit: 'commit put credential/calendar' },
} as const satisfies Record<string, Unsaved>;

interface Unsaved {
  readonly phase: Phase;
  readonly request: string;
  /** The step, or the first part of it, that writes down what the request brought. */
  readonly commit: string;
}

/** What a story must not end with, whichever process died where. Empty when all is well. */
export function violationsOf(report: StoryReport, user: string, killAt: KillPoint | undefined): string[] {
  const { deliveries, signIns, lastStep = '' } = report;
  const lostRegistration = isBetween(lastStep, unsaved.registration);
  const lostCode = isBetween(lastStep, unsaved.code);
  const lostRefresh = isBetween(lastStep, unsaved.refresh);
  const walks = killAt?.phase === 'callback' && report.signIns.first === 2 && report.exchanges > 0 ? 2 : 1;
  const again = signIns.afterRefresh + (killAt?.phase === 'logout' ? 1 : 0);
  const found: string[] = [];
  const must = (isTrue: boolean, what: string): void => {
    if (!isTrue) found.push(what);
  };

  must(report.died === (killAt !== undefined), 'the process did not die where it was told to');
  for (const { key, count, hosts } of byKey(report)) {
    const diedInHandler =
      killAt?.phase === 'resume' && hosts.includes('victim') && hosts.includes('survivor');
    must(count === 1 || (count === 2 && diedInHandler), `the answer ${key} was delivered ${count} times`);
  }
  must(
    deliveries.every(({ text }) => text === user),
    'a call was made in another name',
  );
  must(report.abandoned.length === 0, `parked questions were given up: ${report.abandoned.join()}`);
  must(signIns.first <= walks, `the first sign-in took ${signIns.first} walks`);
  must(
    signIns.afterRefresh === (lostRefresh ? 1 : 0),
    `${signIns.afterRefresh} new sign-ins after a refresh`,
  );
  must(report.registrations === (lostRegistration ? 2 : 1), `${report.registrations} registrations`);
  must(report.exchanges === 1 + (lostCode ? 1 : 0) + again, `${report.exchanges} codes exchanged`);
  must(report.refreshes === (lostRefresh ? 2 : 1), `${report.refreshes} refreshes`);
  must(
    report.refusedGrants === (lostRefresh ? 1 : 0),
    `${report.refusedGrants} codes or refresh tokens refused`,
  );
  must(report.tokensDead, 'a token is good after the logout');
  must(report.revocations >= 1, 'nothing was revoked at the logout');
  must(report.askedAfterLogout, 'a question after the logout needed no sign-in');
  must(report.readable.length === 0, `readable in the store: ${report.readable.join()}`);
  return found;
}

/** Whether a process died after the answer to a request came, and before the commit that keeps it. */
function isBetween(lastStep: string, { phase, request, commit }: Unsaved): boolean {
  const before = `${phase}: before ${commit}`;
  return [`${phase}: after ${request}`, before].includes(lastStep) || lastStep.startsWith(`${before} + `);
}

function byKey({ deliveries }: StoryReport): { key: string; count: number; hosts: string[] }[] {
  const groups = Map.groupBy(deliveries, ({ key, question }) => key ?? question);
  return [...groups].map(([key, group]) => ({
    key,
    count: group.length,
    hosts: group.map(({ host }) => host),
  }));
}
