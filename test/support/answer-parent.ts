import { openListener, type Handler } from '../../demo/open-listener.ts';

export interface ToPageProcess<Question> {
  readonly id: number;
  readonly question: Question;
}

export type FromPageProcess<Answer> =
  | { readonly port: number }
  | { readonly id: number; readonly answer: Answer };

/** Serves pages, and answers what the parent asks over IPC, for as long as the parent lives. */
export async function answerParent(
  pages: Handler,
  answerTo: (question: never) => Promise<unknown>,
): Promise<void> {
  const tell = (message: FromPageProcess<unknown>): void => void process.send?.(message);
  const { port } = await openListener({ handler: pages });
  process.on('message', ({ id, question }: ToPageProcess<never>) => {
    void answerTo(question).then((answer) => tell({ id, answer }));
  });
  process.on('disconnect', () => process.exit(0));
  tell({ port });
}
