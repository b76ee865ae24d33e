import { expect, test } from 'vitest';
import { toolAnswers } from './call-answers.ts';

test('what an operator has to put right is told to the model in words for whoever called, and not in the operator’s', () => {
  const { content, structuredContent } = toolAnswers.failure({
    code: 'ERR_POSTERN_STORAGE_KEY_UNAVAILABLE',
    hint: 'Put that key back into the keyring, behind the newest one.',
  });
  const [{ text }] = content as unknown as [{ text: string }];
  expect(text).toContain(
    'What to tell the user: “This application cannot open one of its own records. You cannot change that from here: tell whoever runs this application.”',
  );
  expect(text).toMatch(/\(ERR_POSTERN_STORAGE_KEY_UNAVAILABLE\)$/u);
  expect(JSON.stringify([content, structuredContent])).not.toContain('keyring');
});
