import type { webApi } from '@slack/bolt';
import { needs, slackText, type SlackPlace, type TellPerson } from '../../src/agents/index.ts';
import { type ClientManager, explain } from '../../src/client/index.ts';
import type { Logger } from '../../src/index.ts';
import type { Answers } from './answers.ts';
import type { Asked, Assistant } from './assistant.ts';
import { commandIn, disconnect, listConnections, type Command } from './connections.ts';
import type { Question, Questions, TakenQuestion } from './questions.ts';

export interface ConversationParts {
  readonly manager: ClientManager;
  readonly assistant: Assistant;
  readonly questions: Questions;
  readonly answers: Answers;
  readonly tell: TellPerson;
  readonly client: webApi.WebClient;
  readonly logger: Logger;
}

/** Sees to it that something final is said to every question, in its thread: an answer, or why there is none. */
export class Conversations {
  readonly #parts: ConversationParts;
  readonly #running = new Set<Promise<void>>();

  constructor(parts: ConversationParts) {
    this.#parts = parts;
  }

  /** Goes on by itself: whoever has brought the question is told at once that it has arrived. */
  begin(taken: TakenQuestion): void {
    taken.keep();
    const work = this.#see(taken).finally(() => this.#running.delete(work));
    this.#running.add(work);
  }

  /** Says of the questions of processes that have died that nobody knows how far they came. */
  async settleLeft(): Promise<void> {
    const { questions, answers } = this.#parts;
    for (const { question, end } of await questions.takeLeft()) {
      const { id, place } = question;
      if (!(await answers.isPosted(id, place))) {
        const words = 'I was interrupted over this, and do not know what of it was done. Please ask again.';
        await answers.post(`${id} interrupted`, place, words);
      }
      await end();
    }
  }

  /** Resolves when nothing is begun any more. What waits for a person is in the store. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #see({ question, end, leave }: TakenQuestion): Promise<void> {
    const { answers, logger } = this.#parts;
    try {
      await this.#answer(question);
      await end();
    } catch (error) {
      logger.error('a question was not answered', { why: explain(error, { for: 'operator' }) });
      // Everybody reads this: what an error is meant to tell its person may have their link in it.
      const words = 'Something went wrong. Please ask again.';
      await answers.post(`${question.id} failed`, question.place, words).then(end, leave);
    }
  }

  /** Says what comes of a question, unless that has to wait for a person. */
  async #answer({ id, person, place, text }: Question): Promise<void> {
    const { assistant, answers } = this.#parts;
    const asked: Asked = { id, place };
    const command = commandIn(text);
    if (command !== undefined) return this.#obey(command, person, asked);
    const started = await assistant.start(person, text, { metadata: asked });
    if (started.status === 'answered') await answers.post(id, place, started.answer);
  }

  async #obey(command: Command, person: string, asked: Asked): Promise<void> {
    const { manager, tell } = this.#parts;
    const { id, place } = asked;
    const client = await manager.getClient(person, asked);
    if (command.do === 'list') return this.#whisper(place, (await listConnections(client)).join('\n'));
    if (command.do === 'disconnect') return this.#whisper(place, await disconnect(client, command.service));
    const { service } = command;
    if (!client.servers.includes(service)) return this.#whisper(place, `There is no service “${service}”.`);
    // They want it after all, whatever they have said a moment ago.
    await client.session(service).askAgain();
    const need = await needs(client, { server: service, name: '' });
    if (need === undefined) return this.#whisper(place, `${service}: connected already.`);
    await tell({ contextId: person, metadata: asked, runId: id, service, challenge: need.challenge });
  }

  /** Says something to one person, wherever they asked: what they have connected is nobody else's matter. */
  async #whisper({ channel, user, thread }: SlackPlace, text: string): Promise<void> {
    const { client } = this.#parts;
    const { channel: alone } = await client.conversations.open({ users: user });
    if (alone?.id === undefined) throw new Error('Slack has opened no conversation');
    const isHere = alone.id === channel && thread !== undefined;
    await client.chat.postMessage({
      channel: alone.id,
      ...(isHere && { thread_ts: thread }),
      text: slackText(text),
      unfurl_links: false,
    });
  }
}
