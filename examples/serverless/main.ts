/**
 * An agent as a function: asking, coming back from a sign-in and answering are three invocations, which share nothing but
 * a store. Here each is a process of its own; `worker.ts` is the same as a Cloudflare Worker.
 *
 *   node examples/serverless/main.ts [--port 8791]    starts everything on loopback
 *   node examples/serverless/main.ts --self-check     drives it from end to end, and exits with 0 or 1
 */
import { runExample } from '../protected-server/run-example.ts';
import { checkServerless } from './self-check.ts';
import { startServerless } from './start-serverless.ts';

await runExample({
  selfCheck: checkServerless,
  // Every request starts a process.
  selfCheckMs: 300_000,
  async serve({ directory, port }) {
    const function_ = await startServerless({ directory, port });
    const { origin } = function_.listener;
    const timer = setInterval(() => {
      void function_.tick().then((resumed) => resumed > 0 && console.log(`the timer answered ${resumed}`));
    }, 5_000);
    console.log(`Open ${origin}/ and sign in as alice; there is no password. Then, in the console of that page:

  await (await fetch('/ask', { method: 'POST' })).json()

It has a link. Follow it, and the answer comes within five seconds, by an invocation of the timer's. Ctrl-C ends it all.`);
    return {
      async [Symbol.asyncDispose]() {
        clearInterval(timer);
        await function_[Symbol.asyncDispose]();
      },
    };
  },
});
