import type { LoggedChange, LogEvent } from './operation-log.ts';

type Said = Partial<LogEvent> & Pick<LogEvent, 'p' | 'op'>;

/** Makes histories by hand, a line at a time. */
export class HistoryBuilder {
  readonly events: LogEvent[] = [];
  #t = 0;
  #ids = 0;

  /** Lets time pass. */
  wait(ms: number): this {
    this.#t += ms;
    return this;
  }

  say(k: LogEvent['k'], event: Said): this {
    this.events.push({ t: this.#t, wall: this.#t, k, id: '', ...event });
    return this;
  }

  /** An operation from beginning to end. */
  operation(event: Said, end: Partial<LogEvent> & { readonly ms?: number } = {}): this {
    const { ms = 10, ...rest } = end;
    const id = event.id ?? `operation-${this.#ids++}`;
    this.say('invoke', { ...event, id });
    this.wait(ms);
    return this.say(rest.k ?? 'ok', { ...event, id, limitMs: undefined, ...rest });
  }

  commit(p: string, ns: string, ...changes: readonly LoggedChange[]): this {
    return this.operation({ p, op: 'commit', ns }, { ms: 2, changes });
  }

  take(p: string, ns: string, kind: 'claim' | 'refresh-lease', key: string): this {
    return this.commit(p, ns, { key, kind, expect: 'absent', version: `${p}-lease` });
  }

  giveBack(p: string, ns: string, kind: 'claim' | 'refresh-lease', key: string): this {
    return this.commit(p, ns, { key, kind, expect: `${p}-lease`, version: '', isDelete: true });
  }

  /** A refresh token that is sent, and what the authorization server makes of it. */
  refresh(p: string, ns: string, token: string, successor: string | undefined, isReuse = false): this {
    const request = `refresh-${this.#ids++}`;
    this.wait(1).say('invoke', { p, op: 'refresh', id: request, request, token });
    this.wait(5);
    this.say(successor === undefined ? 'fail' : 'ok', {
      p: 'main',
      op: 'as-refresh',
      id: request,
      request,
      ns,
      token,
      successor,
      host: p,
      family: 'family',
      ...(isReuse && { isReuse }),
    });
    this.wait(5);
    return this.say(successor === undefined ? 'fail' : 'ok', {
      p,
      op: 'refresh',
      id: request,
      request,
      token,
    });
  }

  kill(p: string): this {
    return this.say('info', { p: 'main', op: 'kill', id: p, host: p });
  }

  freeze(p: string, lengthMs: number): this {
    return this.say('info', { p: 'main', op: 'freeze', id: `freeze-${this.#ids++}`, host: p, lengthMs });
  }
}
