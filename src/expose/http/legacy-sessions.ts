import { PosternError } from '../../core/postern-error.ts';
import { hashId, randomId } from '../../core/random.ts';
import type { ChildSupply } from '../child/child-supply.ts';
import { initializeChild } from '../child/initialize-child.ts';
import type { ServerLink } from '../child/server-link.ts';
import { isObject, type RequestMessage } from '../../wire/message.ts';
import { spliced } from '../../wire/splice.ts';
import type { StreamTimes } from './call-answer.ts';
import { callFailure } from './call-failure.ts';
import { LegacySession } from './legacy-session.ts';
import { jsonAnswer, type HttpAnswer } from './http-answer.ts';

export interface SessionLimits {
  readonly maxSessions: number;
  /** Of one user. */
  readonly maxSessionsPerUser: number;
  /** A session that nobody has used for so long, and that has no stream open, is over. */
  readonly idleMs: number;
  /** How long a child has to get ready. */
  readonly startMs: number;
}

export interface LegacySessionsOptions {
  readonly supply: ChildSupply;
  readonly limits: SessionLimits;
  readonly times: StreamTimes;
}

const lookMs = 15_000;

/** What a client may be asked for. Who has declared none of it can share a child: nothing that the child asks concerns one of its sessions alone. */
const askable = ['elicitation', 'roots', 'sampling', 'tasks'];

/** The sessions of the revisions up to 2025-11-25. */
export class LegacySessions {
  readonly #options: LegacySessionsOptions;
  readonly #sessions = new Map<string, LegacySession>();
  readonly #looking: ReturnType<typeof setInterval>;
  #droppedBefore = 0;

  constructor(options: LegacySessionsOptions) {
    this.#options = options;
    this.#looking = setInterval(() => this.sweep(), lookMs);
    this.#looking.unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  get openStreams(): number {
    return [...this.#sessions.values()].reduce((sum, { openStreams }) => sum + openStreams, 0);
  }

  get dropped(): number {
    return [...this.#sessions.values()].reduce((sum, { dropped }) => sum + dropped, this.#droppedBefore);
  }

  /** A user's own session. Another's is as good as none. */
  find(id: string, user: string): LegacySession | undefined {
    const session = this.#sessions.get(id);
    return session?.user === user ? session : undefined;
  }

  /** Begins a session: the answer to `initialize`. */
  async begin(message: RequestMessage, user: string): Promise<HttpAnswer> {
    const { supply, times, limits } = this.#options;
    const id = randomId();
    const isOwnChild = canBeAsked(message);
    const key = isOwnChild
      ? `${user} session ${id}`
      : `${user} shared ${await hashId(JSON.stringify(message.params ?? {}))}`;
    const open = (link: ServerLink): Promise<unknown> => initializeChild(link, message, limits.startMs);
    const session = new LegacySession({ id, user, want: { key, user, open }, isOwnChild, supply, times });
    try {
      this.#assertRoom(user);
      // Counted from here on, so that many at once are no more than may be.
      this.#sessions.set(id, session);
      const { opened } = await session.child();
      const text = spliced(opened as string, ['id'], JSON.stringify(message.id));
      return jsonAnswer(text ?? (opened as string), 200, { 'mcp-session-id': id });
    } catch (error) {
      this.end(session);
      return callFailure(error, message.id);
    }
  }

  end(session: LegacySession): void {
    if (!this.#sessions.delete(session.id)) return;
    this.#droppedBefore += session.dropped;
    session.end();
  }

  /** Ends what nobody uses. */
  sweep(): void {
    const before = performance.now() - this.#options.limits.idleMs;
    for (const session of this.#sessions.values()) {
      if (!session.busy && session.usedAtMs < before) this.end(session);
    }
  }

  close(): void {
    clearInterval(this.#looking);
    for (const session of this.#sessions.values()) this.end(session);
  }

  #assertRoom(user: string): void {
    const { maxSessions, maxSessionsPerUser } = this.#options.limits;
    const own = [...this.#sessions.values()].filter((session) => session.user === user);
    if (own.length >= maxSessionsPerUser && !this.#freeOne(own))
      throw tooMany('this user has as many sessions as one may have');
    if (this.#sessions.size >= maxSessions && !this.#freeOne([...this.#sessions.values()])) {
      throw tooMany('there are as many sessions as there may be');
    }
  }

  /** Ends the one that has been idle longest. */
  #freeOne(sessions: readonly LegacySession[]): boolean {
    const [idle] = sessions.filter(({ busy }) => !busy).toSorted((a, b) => a.usedAtMs - b.usedAtMs);
    if (idle === undefined) return false;
    this.end(idle);
    return true;
  }
}

function canBeAsked({ params }: RequestMessage): boolean {
  const capabilities = params?.['capabilities'];
  // Whoever declares what we do not know may be asked for it.
  if (!isObject(capabilities)) return capabilities !== undefined;
  return askable.some((name) => Object.hasOwn(capabilities, name)) || isObject(capabilities['experimental']);
}

function tooMany(message: string): PosternError {
  return new PosternError('ERR_POSTERN_EXPOSE_LIMIT', message, {
    hint: 'End sessions that are not used any more, or try again later.',
  });
}
