import { expect, test } from 'vitest';
import { toolAnswers } from './call-answers.ts';

test('what an operator has to put right is told to the model in words for whoever called, and not in the operator’s', () => {
  const { content, structuredContent } = toolAnswers.failure({
    code: 'ERR_POSTERN_STORAGE_KEY_UNAVAILABLE',
    hint: 'Put that key back into the keyring, behind the newest one.',
  });
  expect(content).toEqual([
    {
      type: 'text',
      text: 'The call did not succeed. What to tell the user: “This application cannot open one of its own records. You cannot change that from here: tell whoever runs this application.” Who must act: whoever runs this application. Do not repeat the call before that has happened. Secrets never belong in this conversation. (ERR_POSTERN_STORAGE_KEY_UNAVAILABLE)',
    },
  ]);
  expect(JSON.stringify(structuredContent)).not.toContain('keyring');
});
