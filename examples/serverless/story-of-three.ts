import type { CookieBrowser } from '../../demo/browser.ts';
import type { Story } from '../protected-server/story.ts';
import type { World } from './start-serverless.ts';

/**
 * Asks, signs in, and has the timer tick: on whichever runtime the function is.
 *
 * @throws {Error} when something is not as it has to be.
 */
export async function tellStory(
  story: Story,
  browser: CookieBrowser,
  { listener, messages, tick, metadataRequests }: World & { readonly tick: () => Promise<number> },
): Promise<void> {
  const { origin } = listener;
  story.say(`A function at ${origin}. Nothing of it runs yet.`);
  const ask = async (): Promise<{ status: number; link?: string; events?: string[] }> => {
    const headers = { cookie: browser.cookiesFor(`${origin}/ask`), origin };
    const response = await fetch(`${origin}/ask`, { method: 'POST', headers });
    const body = response.headers.get('content-type')?.includes('json') ? await response.json() : {};
    return { status: response.status, ...(body as { link?: string; events?: string[] }) };
  };
  story.check('nobody is let in who has not signed in to the application', (await ask()).status === 401);
  await browser.signIn(`${origin}/`, { user: 'alice', decision: 'allow' });

  const asked = await ask();
  story.check('alice is given a link, and her question waits', asked.link?.startsWith(origin) === true);
  story.check('a timer that ticks meanwhile resumes nothing', (await tick()) === 0);
  const looked = metadataRequests();
  const again = await ask();
  story.check('she asks once more, and is given the same link', again.link === asked.link);
  story.check('for which no metadata is fetched', metadataRequests() === looked);
  const page = await browser.signIn(asked.link ?? '', { user: 'alice', decision: 'allow' });
  story.check('her browser is told that she is signed in', page.status === 200);
  story.check('nothing has answered her yet', messages.length === 0);

  story.check('the next tick answers both of her questions', (await tick()) === 2);
  story.check(
    'with what is in her calendar',
    messages.every(({ events }) => events.some((event) => event.includes('Alice: dentist'))),
  );
  story.check('and the one after it nothing more', (await tick()) === 0);
  const keys = new Set(messages.map(({ key }) => key));
  story.check('each was answered once', messages.length === 2 && keys.size === 2);
  const answered = await ask();
  story.check(
    'her next question is answered at once',
    answered.events?.some((event) => event.includes('dentist')) === true,
  );
}
