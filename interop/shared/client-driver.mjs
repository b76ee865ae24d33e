import { answerCommands, sayReady } from './commands.ts';

/** Where the server is: `{ url }`, or `{ command, args }`. */
export const target = JSON.parse(process.argv[2]);

/** What is called there: `{ name, arguments }`. */
export const tool = JSON.parse(process.env.INTEROP_TOOL ?? '{"name":"whoami","arguments":{}}');

/** What the client's user sees while a call is under way. */
export function show(text) {
  process.send({ shown: String(text) });
}

/**
 * Lets the parent make calls. What a call throws is text, too: its message, which is all that most programs show.
 *
 * @param {() => Promise<unknown>} call calls our tool, and resolves with what the client gives to its program.
 */
export function drive(call) {
  answerCommands({
    async call() {
      try {
        const result = await call();
        return { text: typeof result === 'string' ? result : JSON.stringify(result) };
      } catch (error) {
        return { text: `${error?.name}: ${error?.message}` };
      }
    },
  });
  sayReady({});
}
