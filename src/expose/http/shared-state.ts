import type { Child, ChildUser } from '../child/child.ts';
import type { ServerLink } from '../child/server-link.ts';
import { resultText, type NotificationMessage, type RequestMessage } from '../../wire/message.ts';

import { jsonAnswer, type HttpAnswer } from './http-answer.ts';

/** From the most to the least talkative. */
const levels: readonly unknown[] = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
];
const noteName = 'shared state';
const maxSubscriptions = 1_000;

/**
 * What a child keeps for its connection as a whole, kept apart for the sessions that share it: which resources are followed,
 * and how much is logged.
 */
export class SharedState {
  readonly #levels = new Map<ChildUser, number>();
  readonly #followers = new Map<string, Set<ChildUser>>();

  static of(child: Child): SharedState {
    const known = child.notes.get(noteName);
    if (known instanceof SharedState) return known;
    const made = new SharedState();
    child.notes.set(noteName, made);
    return made;
  }

  /** The answer to a call that the child must not be bothered with, as others of its sessions want something else. */
  answerFor(session: ChildUser, { id, method, params }: RequestMessage): HttpAnswer | undefined {
    if (method === 'logging/setLevel') {
      const level = levels.indexOf(params?.['level']);
      if (level === -1) return undefined;
      this.#levels.set(session, level);
      const others = [...this.#levels].filter(([other]) => other !== session).map(([, other]) => other);
      return others.some((other) => other < level) ? jsonAnswer(resultText(id, {})) : undefined;
    }
    const uri = params?.['uri'];
    if (typeof uri !== 'string') return undefined;
    if (method === 'resources/subscribe' && this.#followers.size < maxSubscriptions) {
      const followers = this.#followers.get(uri) ?? new Set();
      this.#followers.set(uri, followers.add(session));
    }
    if (method === 'resources/unsubscribe') {
      const followers = this.#followers.get(uri);
      followers?.delete(session);
      if (followers !== undefined && followers.size > 0) return jsonAnswer(resultText(id, {}));
      this.#followers.delete(uri);
    }
    return undefined;
  }

  /** Whether a session wants to hear of something. */
  concerns(session: ChildUser, { method, params }: NotificationMessage): boolean {
    if (method === 'notifications/message') {
      const wanted = this.#levels.get(session);
      const level = levels.indexOf(params?.['level']);
      return wanted === undefined || level === -1 || level >= wanted;
    }
    const uri = params?.['uri'];
    if (method !== 'notifications/resources/updated' || typeof uri !== 'string') return true;
    // A server may name what is below a resource that is followed.
    return [...this.#followers].some(([followed, by]) => by.has(session) && uri.startsWith(followed));
  }

  left(session: ChildUser, link: ServerLink): void {
    this.#levels.delete(session);
    for (const [uri, followers] of this.#followers) {
      if (!followers.delete(session) || followers.size > 0) continue;
      this.#followers.delete(uri);
      void link.ask('resources/unsubscribe', { uri }, 10_000).catch(() => undefined);
    }
  }
}
