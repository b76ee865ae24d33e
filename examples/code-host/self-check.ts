import { createLineLogger } from '../protected-server/line-logger.ts';
import { openAs } from '../protected-server/open-as.ts';
import { connectScriptedClient, obtainAccessToken, textOf } from '../protected-server/scripted-client.ts';
import { countLeaks, readAllFiles, Story } from '../protected-server/story.ts';
import { createCookieBrowser } from '../../demo/browser.ts';
import { enterDeviceCode, makeToken, pasteToken, signOn } from './people.ts';
import { guardedOrganisation } from './stand-in.ts';
import { startCodeHostExample } from './start-code-host.ts';

/** Alice with two accounts and Bob with one, end to end. @throws {Error} when something is not as it has to be. */
export async function checkCodeHost(directory: string): Promise<void> {
  const story = new Story();
  const log: string[] = [];
  await using example = await startCodeHostExample({
    directory,
    logger: createLineLogger((line) => log.push(line)),
  });
  const { url, service } = example;
  story.say('An authorization server, a code host, and an MCP server between them.');
  const [aliceToken, bobToken] = await Promise.all([
    obtainAccessToken(url, 'alice'),
    obtainAccessToken(url, 'bob'),
  ]);

  service.slowDownOnce();
  await using alice = await connectScriptedClient({
    url,
    token: aliceToken,
    onLink: async (link) => {
      story.say(`alice gets a link for her work account: ${link}`);
      const asBob = await openAs(createCookieBrowser(), link, 'bob');
      story.check('bob may not use the link that was made for alice', asBob.status === 404);
      await enterDeviceCode(link, { user: 'alice', account: 'alice-work' });
      story.say('alice entered the code at the code host');
    },
  });
  await using older = await connectScriptedClient({
    url,
    token: aliceToken,
    era: '2025-11-25',
    onLink: async (link) => {
      story.say(`alice gets a link for her personal account, in a session of 2025-11-25: ${link}`);
      const wrong = await pasteToken(link, { user: 'alice', token: `ghp_${'0'.repeat(48)}` });
      story.check('a token that the code host does not know is refused on the page', wrong.status === 422);
      const right = await pasteToken(link, {
        user: 'alice',
        token: await makeToken(service.origin, 'alice-home'),
      });
      story.check('a good one is taken', right.status === 200);
    },
  });
  const [work, home] = await Promise.all([
    alice.call('whoami', { account: 'work' }),
    older.call('whoami', { account: 'personal', sign_in_with: 'token' }),
  ]);
  story.check(
    'the calls went on by themselves, each with its account',
    textOf(work) === 'alice-work' && textOf(home) === 'alice-home',
  );
  story.check('the code host asked to slow down once, and was obeyed', service.counters.slowDowns === 1);

  const issue = { account: 'work', repository: `${guardedOrganisation}/rockets`, title: 'A leak' };
  const guarded = await alice.call('open_issue', issue);
  story.say(`open_issue: ${textOf(guarded)}`);
  story.check(
    'only the host of the sign-on link is told',
    guarded.isError === true && !textOf(guarded).includes('authorization_request'),
  );
  await signOn(service.origin, guardedOrganisation, 'alice-work');
  story.say(`open_issue after single sign-on: ${textOf(await alice.call('open_issue', issue))}`);
  story.check('one issue was opened', service.issues.length === 1);
  story.say(
    `list_repositories: ${textOf(await alice.call('list_repositories', { account: 'work' })).replaceAll('\n', ', ')}`,
  );

  await using bob = await connectScriptedClient({ url, token: bobToken, elicitation: 'none' });
  const told = await bob.call('whoami', { account: 'work' });
  const { pending } = (told.structuredContent ?? {}) as { pending?: { url: string } };
  story.check(
    'bob, whose client can show nothing, gets a link of his own in the result',
    pending !== undefined && !alice.links.includes(pending.url),
  );

  const texts = [
    ...alice.traffic,
    ...older.traffic,
    ...bob.traffic,
    ...log,
    ...story.lines,
    ...(await readAllFiles(directory)),
  ];
  const leaks = countLeaks(service.tokens, texts);
  story.check(
    `none of ${service.tokens.length} tokens is in what clients saw, in the log, or readable in the store`,
    leaks === 0 && service.tokens.length === 2,
  );
}
