import {
  CLIENT_CAPABILITIES_META_KEY,
  inputRequired,
  type ClientCapabilities,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { asRequests, formQuestion, type Question, rootsQuestion, samplingQuestion } from './question.ts';
import type { SealedRounds } from './sealed-rounds.ts';
import { textResult } from './text-result.ts';

const nameForm = z.object({ name: z.string() });
const name = formQuestion('user_name', 'What is your name?', nameForm);
const confirmation = formQuestion('confirm', 'Please confirm', z.object({ ok: z.boolean() }));
const capital = samplingQuestion('capital_question', 'What is the capital of France?', 100);
const greeting = samplingQuestion('greeting', 'Generate a greeting', 50);
const roots = rootsQuestion('client_roots');
const step1 = formQuestion('step1', 'Step 1: What is your name?', nameForm);
const step2 = formQuestion('step2', 'Step 2: What is your favorite color?', z.object({ color: z.string() }));

/** Tools of 2026-07-28 that answer with questions first: with nothing to remember, and with a sealed memory. */
export function registerInputTools(server: McpServer, rounds: SealedRounds): void {
  const one = <T>(tool: string, question: Question<T>, say: (answer: T) => string): void => {
    server.registerTool(tool, { description: `Asks for ${question.key}` }, (context) => {
      const answer = question.answerIn(context);
      return answer === undefined
        ? inputRequired({ inputRequests: asRequests([question]) })
        : textResult(say(answer));
    });
  };
  one('test_input_required_result_elicitation', name, (answer) => `Hello, ${answer.name}!`);
  one('test_input_required_result_sampling', capital, (answer) => JSON.stringify(answer));
  one('test_input_required_result_list_roots', roots, (uris) => `Your roots: ${uris.join(', ')}`);
  one('test_missing_capability', greeting, (answer) => JSON.stringify(answer));

  for (const tool of [
    'test_input_required_result_request_state',
    'test_input_required_result_tampered_state',
  ]) {
    server.registerTool(tool, { description: 'Asks for a confirmation, once' }, async (context) => {
      const [asked] = await rounds.askedBefore(tool, context);
      const answer = asked === confirmation.key ? confirmation.answerIn(context) : undefined;
      if (answer === undefined) return rounds.ask(tool, context, [confirmation]);
      await rounds.use(context);
      return textResult(`state-ok, confirmed: ${answer.ok}`);
    });
  }
  registerManyQuestions(server, rounds);
  registerTwoRounds(server, rounds);
  server.registerTool(
    'test_input_required_result_capabilities',
    { description: 'Asks what the client is able to answer' },
    (context) => {
      const able = [
        ['elicitation', name],
        ['sampling', capital],
        ['roots', roots],
      ] as const;
      const questions = able
        .filter(([capability]) => isAbleTo(context, capability))
        .map(([, question]) => question);
      const unanswered = questions.filter((question) => question.answerIn(context) === undefined);
      return unanswered.length > 0
        ? inputRequired({ inputRequests: asRequests(unanswered) })
        : textResult(`${questions.length} questions are answered.`);
    },
  );
}

/** Every question at once; those that are still open after a round are asked again. */
function registerManyQuestions(server: McpServer, rounds: SealedRounds): void {
  const tool = 'test_input_required_result_multiple_inputs';
  server.registerTool(tool, { description: 'Asks three questions at once' }, async (context) => {
    await rounds.askedBefore(tool, context);
    const who = name.answerIn(context);
    const said = greeting.answerIn(context);
    const where = roots.answerIn(context);
    if (who === undefined || said === undefined || where === undefined) {
      return rounds.ask(tool, context, [name, greeting, roots]);
    }
    return textResult(`${JSON.stringify(said)}, ${who.name} in ${where.join(', ')}`);
  });
}

/** One question after the other. Where a call has got to is in its state alone. */
function registerTwoRounds(server: McpServer, rounds: SealedRounds): void {
  const tool = 'test_input_required_result_multi_round';
  server.registerTool(tool, { description: 'Asks two questions, one after the other' }, async (context) => {
    const asked = await rounds.askedBefore(tool, context);
    switch (asked.at(-1)) {
      case step1.key:
        return step1.answerIn(context) === undefined
          ? rounds.ask(tool, context, [step1])
          : rounds.ask(tool, context, [step2], asked);
      case step2.key: {
        const answer = step2.answerIn(context);
        if (answer === undefined) return rounds.ask(tool, context, [step2], asked.slice(0, -1));
        await rounds.use(context);
        return textResult(`After ${asked.length} questions: ${answer.color}`);
      }
      default:
        return rounds.ask(tool, context, [step1]);
    }
  });
}

/** By what the client has declared with this very request. */
function isAbleTo({ mcpReq }: ServerContext, capability: keyof ClientCapabilities): boolean {
  // The SDK's type of the envelope does not name its fields.
  const envelope: { [CLIENT_CAPABILITIES_META_KEY]?: ClientCapabilities } = mcpReq.envelope ?? {};
  return envelope[CLIENT_CAPABILITIES_META_KEY]?.[capability] !== undefined;
}
