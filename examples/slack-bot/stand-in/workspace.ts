/** A message, as Slack keeps it. */
export interface SlackMessage {
  readonly channel: string;
  readonly ts: string;
  readonly threadTs?: string | undefined;
  readonly user: string;
  readonly isBot: boolean;
  readonly text: string;
  readonly blocks?: unknown;
  readonly metadata?: unknown;
  /** Who alone sees it, in this session of theirs. Of a message to everybody in the channel: left out. */
  readonly onlyFor?: string | undefined;
  readonly edited?: boolean | undefined;
}

export interface Channel {
  readonly id: string;
  readonly name: string;
  readonly members: Set<string>;
  readonly isDirect: boolean;
}

/** One workspace of Slack: people, channels, messages, and what each person sees of them. In memory. */
export class Workspace {
  readonly team = 'T0PLANNERS';
  readonly appId = 'A0PLANNER';
  readonly bot = { user: 'U0PLANNER', id: 'B0PLANNER', name: 'planner' } as const;
  readonly people: ReadonlyMap<string, string> = new Map([
    ['U0ALICE', 'alice'],
    ['U0BOB', 'bob'],
    ['U0CAROL', 'carol'],
  ]);
  readonly channels: Map<string, Channel> = new Map();
  readonly home: Map<string, unknown> = new Map();
  readonly #messages: SlackMessage[] = [];
  readonly #watchers = new Set<() => void>();
  #clock = 0;

  constructor() {
    const everybody = new Set([...this.people.keys(), this.bot.user]);
    this.channels.set('C0GENERAL', {
      id: 'C0GENERAL',
      name: 'general',
      members: everybody,
      isDirect: false,
    });
  }

  get messages(): readonly SlackMessage[] {
    return this.#messages;
  }

  userNamed(name: string): string | undefined {
    return [...this.people].find(([, known]) => known === name)?.[0];
  }

  /** The conversation of the bot with one person. */
  openDirect(user: string): Channel {
    const id = `D0${user.slice(2)}`;
    const found = this.channels.get(id);
    if (found !== undefined) return found;
    const channel = { id, name: 'planner', members: new Set([user, this.bot.user]), isDirect: true };
    this.channels.set(id, channel);
    return channel;
  }

  add(message: Omit<SlackMessage, 'ts'>): SlackMessage {
    // Slack tells messages apart by their time, which never comes twice in a channel.
    this.#clock = Math.max(Date.now() * 1_000, this.#clock + 1);
    const text = String(this.#clock);
    const added = { ...message, ts: `${text.slice(0, -6)}.${text.slice(-6)}` };
    this.#messages.push(added);
    this.#tell();
    return added;
  }

  /** @returns whether there is such a message. */
  change(channel: string, ts: string, changed: Pick<SlackMessage, 'text' | 'blocks'>): boolean {
    const at = this.#messages.findIndex((message) => message.channel === channel && message.ts === ts);
    const found = this.#messages[at];
    if (found === undefined || found.onlyFor !== undefined) return false;
    this.#messages[at] = { ...found, ...changed, edited: true };
    this.#tell();
    return true;
  }

  /** A thread, as everybody reads it. */
  thread(channel: string, ts: string): readonly SlackMessage[] {
    return this.#messages.filter(
      (message) =>
        message.channel === channel &&
        message.onlyFor === undefined &&
        (message.ts === ts || message.threadTs === ts),
    );
  }

  /**
   * What somebody has on their screen: their channels, and what is for them alone, which Slack shows in a thread only where
   * that has a reply that everybody sees.
   */
  seenBy(user: string): readonly SlackMessage[] {
    return this.#messages.filter(({ channel, onlyFor, threadTs }) => {
      if (this.channels.get(channel)?.members.has(user) !== true) return false;
      if (onlyFor === undefined) return true;
      return onlyFor === user && (threadTs === undefined || this.thread(channel, threadTs).length > 1);
    });
  }

  /** Is told of every change, until what it returns is called. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
