import { chatCompletions } from './chat-completions.ts';
import type { Model } from './model.ts';
import { scriptedModel } from './scripted-model.ts';

/** A real model where `OPENAI_API_KEY` is set, at OpenAI or wherever `OPENAI_BASE_URL` says; else the scripted one. */
export function modelFromEnv(env: Readonly<Record<string, string | undefined>>): Model {
  const { OPENAI_API_KEY: key, OPENAI_MODEL: model = 'gpt-5-mini' } = env;
  const { OPENAI_BASE_URL: baseUrl = 'https://api.openai.com/v1' } = env;
  return key === undefined ? scriptedModel : chatCompletions({ key, model, baseUrl });
}
