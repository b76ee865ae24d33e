import { onTestFinished } from 'vitest';
import { Client, LocalAuthCoordinator, type LocalAuthCoordinatorOptions } from '../../../src/client/index.ts';
import { MemoryBackend } from '../../../src/index.ts';
import { textOf, type Stage } from '../../support/stage.ts';

/** A program at a terminal, and its call that waits for the person. */
export function callAtTerminal(
  stage: Stage,
  options: Partial<LocalAuthCoordinatorOptions>,
): { readonly coordinator: LocalAuthCoordinator; readonly answer: Promise<string> } {
  const coordinator = new LocalAuthCoordinator({ storage: new MemoryBackend(), ...options });
  const client = new Client({ calendar: { url: stage.calendar.url } }, { coordinator, contextId: 'me' });
  onTestFinished(async () => {
    await client.close();
    await coordinator.close();
  });
  const answer = client.callTool('whoami').then(textOf);
  answer.catch(() => {});
  return { coordinator, answer };
}
