import { createCookieBrowser, type CookieBrowser } from '../../demo/browser.ts';
import { createLineLogger } from '../protected-server/line-logger.ts';
import { countLeaks, readAllFiles, Story } from '../protected-server/story.ts';
import type { Message } from './conversations.ts';
import { startWebApp, type WebApp } from './start-web-app.ts';

/** Two people, each in a browser of their own. @throws {Error} when something is not as it has to be. */
export async function checkWebApp(directory: string): Promise<void> {
  const story = new Story();
  const log: string[] = [];
  await using app = await startWebApp({ directory, logger: createLineLogger((line) => log.push(line)) });
  story.say(`A web application at ${app.url}, with a calendar that nobody has connected.`);

  const alice = await openPerson(app, 'alice');
  const bob = await openPerson(app, 'bob');
  await alice.ask('What is on today?');
  const { link = '' } = await alice.hears('link', (message) => message.link !== undefined);
  story.check(
    'alice is given a link, in the page as it stands',
    link.startsWith(`${app.url}/postern/connect/`),
  );

  const stranger = await bob.browser.open(link);
  story.check('the link lets bob in nowhere', stranger.status >= 400);
  const page = await alice.browser.signIn(link, { user: 'alice', decision: 'allow' });
  story.check('alice connects her calendar', page.status === 200);
  const { text } = await alice.hears('answer', (message) => message.text.includes('dentist'));
  story.check('her question is answered by itself, without a reload', text.includes('Alice: dentist'));

  const inbox = await alice.browser.open(app.inboxUrl);
  story.check('her connections have the calendar', inbox.html.includes('calendar'));
  await alice.ask('And my day?');
  await alice.hears('second answer', (message, index) => index > 3 && message.text.includes('dentist'));
  story.check('the next question is answered at once', true);

  await bob.ask('What is on today?');
  const bobs = await bob.hears('link', (message) => message.link !== undefined);
  story.check('bob has a link of his own', bobs.link !== link);
  const bobsPage = await bob.browser.signIn(bobs.link ?? '', { user: 'bob', decision: 'deny' });
  story.check('bob declines', bobsPage.status < 500);
  const no = await bob.hears('refusal', (message) => message.text.startsWith('I could not look'));
  story.check('which the planner says', no.text.includes('declined'));
  const isAlices = bob.messages.some((message) => message.text.includes('Alice'));
  story.check('bob has seen nothing of alice', !isAlices);
  await Promise.all([alice.leave(), bob.leave()]);
  const cookies = [alice, bob].map(({ browser }) => browser.cookiesFor(app.url));
  const secrets = cookies.flatMap((line) =>
    line.split('; ').map((pair) => pair.slice(pair.indexOf('=') + 1)),
  );
  const leaks = countLeaks(secrets, [...log, ...(await readAllFiles(directory))]);
  story.check('no session of a browser is in a log or a file', leaks === 0);
}

interface PersonAtBrowser {
  readonly browser: CookieBrowser;
  readonly messages: readonly Message[];
  ask(question: string): Promise<void>;
  /** Waits for a message. @throws {Error} when there is none within 15 s. */
  hears(what: string, is: (message: Message, index: number) => boolean): Promise<Message>;
  leave(): Promise<void>;
}

/** Signs in to the application, and watches the page as its script does. */
async function openPerson(app: WebApp, user: string): Promise<PersonAtBrowser> {
  const browser = createCookieBrowser();
  await browser.signIn(app.url, { user, decision: 'allow' });
  const messages: Message[] = [];
  const waiting = new Set<() => void>();
  const stop = new AbortController();
  const headers = { cookie: browser.cookiesFor(`${app.url}/messages`) };
  const response = await fetch(`${app.url}/messages`, { headers, signal: stop.signal });
  const reading = (async () => {
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
        messages.push(JSON.parse(text.slice('data: '.length, end)) as Message);
        text = text.slice(end + 2);
        for (const wake of waiting) wake();
      }
    }
  })().catch(() => {});
  return {
    browser,
    messages,
    ask: async (question) => {
      await browser.open(app.url);
      await browser.submit({ question });
    },
    hears: async (what, is) => {
      const deadline = performance.now() + 15_000;
      for (;;) {
        const found = messages.find(is);
        if (found !== undefined) return found;
        const left = deadline - performance.now();
        if (left <= 0) throw new Error(`${user} heard no ${what}`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          const wake = (): void => {
            clearTimeout(timer);
            waiting.delete(wake);
            resolve();
          };
          waiting.add(wake);
        });
      }
    },
    leave: async () => {
      stop.abort();
      await reading;
    },
  };
}
