import type { CheckOptions, Violation } from './checker.ts';
import type { Acknowledged, History } from './history.ts';
import type { LogEvent } from './operation-log.ts';

/** One refresh token is redeemed under one lease at a time, and who has signed in stays so. */
export function checkGrants(history: History, options: CheckOptions): Violation[] {
  return [...checkRefreshes(history, options), ...checkReuses(history), ...checkSignedIn(history)];
}

function checkRefreshes(history: History, { leaseMs }: CheckOptions): Violation[] {
  const found: Violation[] = [];
  const requests = new Map(
    history.events
      .filter(({ op, k }) => op === 'refresh' && k === 'invoke')
      .map((event) => [event.request, event]),
  );
  const saves = new Map<string, Acknowledged>();
  for (const change of history.changes) {
    if (change.kind === 'grant' && change.token !== undefined) saves.set(change.token, change);
  }
  const arrived = Map.groupBy(
    history.events.filter(({ op }) => op === 'as-refresh'),
    ({ token }) => token,
  );
  for (const [token, group] of arrived) {
    for (let index = 1; index < group.length; index++) {
      const first = group[index - 1];
      const { ns, request } = group[index] ?? {};
      const sent = requests.get(request);
      const firstSent = requests.get(first?.request);
      if (first === undefined || sent === undefined || firstSent === undefined) continue;
      const report = (what: string): number =>
        found.push({
          count: 'doubleRefreshes',
          id: `token ${token}`,
          ns,
          what: `${firstSent.p} and ${sent.p} ${what}`,
        });
      const renewal = history.leaseOf('refresh-lease', ns, sent.p, sent.t);
      if (renewal === undefined) {
        report('redeemed one token, the second without a lease');
        continue;
      }
      const acquisition = history.acquisitionOf(renewal);
      const saved = saves.get(first.successor ?? '');
      const isStale = saved !== undefined && saved.ackedAt < sent.t;
      // Whoever was frozen between looking and sending could not know. What came of it shows in the grants.
      const wasFrozen = !history.isHeld(renewal.key, sent.p, sent.t, leaseMs);
      if (isStale && !wasFrozen && acquisition.ackedAt > saved.ackedAt) {
        report('redeemed one token, the second after the first had saved its successor');
      } else if (hasEnded(history, firstSent, acquisition.ackedAt)) {
        continue;
      } else if (
        firstSent.p !== sent.p &&
        history.isHeld(acquisition.key, firstSent.p, acquisition.ackedAt, leaseMs)
      ) {
        report('redeemed one token, each under a lease of its own');
      }
    }
  }
  return found;
}

/** Whether a refresh was given up before a moment: it failed, or its process was killed. */
function hasEnded(history: History, sent: LogEvent, at: number): boolean {
  const killedAt = history.killedAt(sent.p);
  if (killedAt !== undefined && killedAt < at && !history.endsOf(sent).some((end) => end.t < killedAt))
    return false;
  return history.endsOf(sent).some((end) => end.k === 'fail' && end.t < at);
}

/** A family the authorization server has ended because a dead token came. */
function checkReuses(history: History): Violation[] {
  return history.events
    .filter(({ op, isReuse }) => op === 'as-refresh' && isReuse === true)
    .map((event) => ({
      count: 'lostGrants',
      id: `family ${event.family}`,
      ns: event.ns,
      what: `the authorization server ended a grant of ${event.ns}: ${event.host} presented a token that was replaced and in use`,
    }));
}

/** Who has signed in and not out is not asked again. */
function checkSignedIn(history: History): Violation[] {
  const found: Violation[] = [];
  const byNamespace = Map.groupBy(history.events, ({ ns }) => ns);
  for (const [ns, events] of byNamespace) {
    if (ns === undefined) continue;
    const signIns = events.filter(({ op, k }) => op === 'login' && k === 'ok');
    const logouts = events
      .filter(({ op, k }) => op === 'logout' && k === 'invoke')
      .map((event) => ({
        from: event.t,
        to: history.endsOf(event)[0]?.t ?? history.killedAt(event.p) ?? Number.POSITIVE_INFINITY,
      }));
    for (const event of events) {
      const asked =
        event.k === 'fail' && (event.op === 'call' || event.op === 'final-call') && isLoginWanted(event.code);
      const isUnusable = event.op === 'final-call' && event.k === 'fail';
      if (!asked && !isUnusable) continue;
      const begun = history.invokeOf(event)?.t ?? event.t;
      const signIn = signIns.findLast(({ t }) => t < begun);
      if (signIn === undefined) continue;
      const signInBegun = history.invokeOf(signIn)?.t ?? signIn.t;
      // What goes on at the same time as a logout may come before or after it.
      if (logouts.some(({ from, to }) => from < event.t && to > signInBegun)) continue;
      found.push({
        count: 'lostGrants',
        id: `${event.op} ${event.id}`,
        ns,
        what: `${ns} had signed in, and ${event.op} ${event.id} ended with ${event.code}`,
      });
    }
  }
  return found;
}

function isLoginWanted(code: string | undefined): boolean {
  return code === 'ERR_POSTERN_AUTH_REQUIRED' || code === 'ERR_POSTERN_AUTH_REVOKED';
}
