import { createCookieBrowser } from '../../demo/browser.ts';
import { countLeaks, readAllFiles, Story } from '../protected-server/story.ts';
import { startServerless } from './start-serverless.ts';
import { tellStory } from './story-of-three.ts';

/** One person, and a process for each thing that happens. @throws {Error} when something is not as it has to be. */
export async function checkServerless(directory: string): Promise<void> {
  const story = new Story();
  await using function_ = await startServerless({ directory });
  const browser = createCookieBrowser();
  await tellStory(story, browser, function_);
  story.check(
    `each of the ${function_.processes.size} invocations had a process of its own`,
    function_.processes.size > 6,
  );
  const cookies = browser.cookiesFor(function_.listener.origin).split('; ');
  const secrets = cookies.map((pair) => pair.slice(pair.indexOf('=') + 1));
  const leaks = countLeaks(secrets, await readAllFiles(directory));
  story.check('no session of a browser is in a file', leaks === 0);
}
