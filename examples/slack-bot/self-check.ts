import { createCookieBrowser } from '../../demo/browser.ts';
import { createLineLogger } from '../protected-server/line-logger.ts';
import { countLeaks, readAllFiles, Story } from '../protected-server/story.ts';
import { scriptedModel } from './scripted-model.ts';
import { linkIn, waitFor } from './stand-in/watching.ts';
import { startWithStandIn } from './start-with-stand-in.ts';

/** Alice and Bob in one channel. @throws {Error} when something is not as it has to be. */
export async function checkSlackBot(directory: string): Promise<void> {
  const story = new Story();
  const log: string[] = [];
  const logger = createLineLogger((line) => log.push(line));
  await using world = await startWithStandIn({ directory, model: scriptedModel, logger });
  const { slack, botUrl } = world;
  const { workspace } = slack;
  const [alice, bob] = ['U0ALICE', 'U0BOB'] as const;
  story.say(`A bot at ${botUrl}, in a workspace of Slack's stand-in.`);

  const asked = await slack.write({ user: alice, channel: 'C0GENERAL', text: '@planner What is on today?' });
  const { ts } = asked.message;
  story.check(
    'Slack hears within three seconds that her question has arrived',
    asked.deliveries[0]?.status === 200,
  );
  const private_ = await waitFor(workspace, 'a link', () =>
    workspace.seenBy(alice).find(({ onlyFor, threadTs }) => onlyFor === alice && threadTs === ts),
  );
  const link = linkIn(private_);
  story.check(
    'alice is given a link, for her alone, in her thread',
    link.startsWith(`${botUrl}/postern/connect/`),
  );
  const public_ = JSON.stringify(workspace.thread('C0GENERAL', ts));
  story.check(
    'the thread says that she is waited for, without the link',
    public_.includes('I am waiting') && !public_.includes(link),
  );

  const stranger = await createCookieBrowser().signIn(link, { user: 'bob' });
  story.check('the link lets bob in nowhere', stranger.html.includes('This link is not valid'));
  const aliceAtHome = createCookieBrowser();
  const page = await aliceAtHome.signIn(link, { user: 'alice' });
  story.check('alice says who she is at Slack, and connects her calendar', page.status === 200);
  const answer = await waitFor(workspace, 'an answer', () =>
    workspace.thread('C0GENERAL', ts).find(({ text }) => text.includes('dentist')),
  );
  story.check(
    'her question is answered in its thread',
    answer.text.includes('Alice: dentist') && answer.onlyFor === undefined,
  );

  const again = await slack.write({ user: bob, channel: 'C0GENERAL', text: '@planner What is on today?' });
  const bobs = await waitFor(workspace, 'a link for bob', () =>
    workspace.seenBy(bob).find(({ onlyFor, threadTs }) => onlyFor === bob && threadTs === again.message.ts),
  );
  story.check('bob has a link of his own', linkIn(bobs) !== link);
  await createCookieBrowser().signIn(linkIn(bobs), { user: 'bob', decision: 'deny' });
  const no = await waitFor(workspace, 'a refusal', () =>
    workspace.thread('C0GENERAL', again.message.ts).find(({ text }) => text.includes('could not look')),
  );
  story.check('bob declines, which the bot says in his thread', no.text.includes('declined'));
  const { app, openId } = slack;
  const secrets = [app.botToken, app.signingSecret, app.clientSecret, link, linkIn(bobs), ...openId.secrets];
  const leaks = countLeaks(secrets, [...log, ...(await readAllFiles(directory))]);
  story.check('no secret is in a log or a file', leaks === 0);
}
