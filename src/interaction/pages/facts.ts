import type { Clock } from '../../core/clock.ts';
import { html, type Html } from '../../web/html.ts';
import type { Look } from '../../web/look.ts';
import type { PageFact } from '../../web/page.ts';
import type { Say, Texts } from '../../web/texts/texts.ts';
import type { Pending } from '../../pending/pending.ts';

/** What an interaction asks for, and whom the host has found at the browser. */
export interface Subject extends Pick<Pending, 'initiator' | 'expiresAtMs'> {
  readonly asked: {
    readonly resource: string;
    readonly alias: string;
    readonly scopes: readonly string[];
    readonly reason?: string | undefined;
  };
  /** What its person is called; left out where the host has not said. */
  readonly person?: string | undefined;
  /** Nothing tells people apart: whoever is at this machine. */
  readonly atMachine: boolean;
  readonly clock: Clock;
}

/** What a page knows beyond its interaction. */
export interface FactDetails {
  /** What access is to, where the interaction's own name for it is not for people. */
  readonly access?: string | undefined;
  /** Where the next step leads. */
  readonly goesTo?: string | undefined;
}

/**
 * What a person should know before they give anything away: who asks, for whom, for what, why, where it leads and until
 * when. A page without it looks like any page that collects passwords.
 */
export function factsOf(
  subject: Subject,
  { look, texts, say }: { look: Look; texts: Texts; say: Say },
  { goesTo, access }: FactDetails,
): PageFact[] {
  const { asked, initiator, expiresAtMs, person, atMachine, clock } = subject;
  const { scopes, reason } = asked;
  const rows: readonly (readonly [label: string, values: readonly (string | Html)[]])[] = [
    [say('facts.asks'), [look.name ?? say('facts.thisProgram')]],
    [say('facts.for'), [person ?? (atMachine ? say('facts.thisMachine') : initiator)]],
    [say('facts.access'), [access ?? placeName(asked, say)]],
    [say('facts.reason'), reason === undefined ? [] : [reason]],
    [
      say('facts.scopes'),
      scopes.map((scope) => (Object.hasOwn(look.scopes, scope) ? look.scopes[scope] : undefined) ?? scope),
    ],
    [say('facts.goesTo'), goesTo === undefined ? [] : [goesTo]],
    [say('facts.ends'), [endTime(expiresAtMs, Math.min(expiresAtMs, clock()), texts.language, say)]],
  ];
  return rows.filter(([, values]) => values.length > 0).map(([label, values]) => ({ label, values }));
}

/** What is given access to, and as which of several accounts. */
export function placeName({ resource, alias }: { resource: string; alias: string }, say: Say): string {
  // An agent's account is the server's name and the account's, in one text.
  const account = alias.split('\u001F').join(', ');
  return alias === 'default' ? resource : say('facts.account', { resource, account });
}

/** A page without a script knows no time zone, so it says how long there is, too, or how long ago it was. */
export function endTime(atMs: number, nowMs: number, language: string, say: Say): Html {
  const date = new Date(atMs);
  const leftMs = atMs - nowMs;
  const isLong = leftMs >= 24 * 60 * 60_000;
  const time = date.toLocaleString(language, {
    timeZone: 'UTC',
    timeZoneName: 'short',
    hour: '2-digit',
    minute: '2-digit',
    ...(isLong && { day: 'numeric', month: 'long' }),
  });
  const [count, unit] = span(leftMs);
  const left = new Intl.RelativeTimeFormat(language).format(count, unit);
  return html`<time datetime="${date.toISOString()}">${say('facts.endsAt', { time, left })}</time>`;
}

/** How far off; what is over has a count below zero. */
function span(ms: number): [count: number, unit: Intl.RelativeTimeFormatUnit] {
  if (ms < 0) {
    const [count, unit] = span(-ms);
    return [-count, unit];
  }
  if (ms < 90_000) return [Math.round(ms / 1_000), 'second'];
  if (ms < 90 * 60_000) return [Math.round(ms / 60_000), 'minute'];
  if (ms < 48 * 60 * 60_000) return [Math.round(ms / (60 * 60_000)), 'hour'];
  return [Math.round(ms / (24 * 60 * 60_000)), 'day'];
}
