/** One call that a scripted model makes. */
export interface Step {
  readonly call: string;
  readonly args?: Readonly<Record<string, unknown>>;
}

/** What a scripted model does: calls, round by round, those of a round at once; then it answers with all their results. */
export type Script = readonly (readonly Step[])[];

export type Move =
  | { readonly calls: readonly { readonly id: string; readonly name: string; readonly args: object }[] }
  | { readonly answer: string };

/** The script is the question itself, so that the model of any process goes on with it. */
export function nextMove(question: string, results: readonly string[]): Move {
  const script = JSON.parse(question) as Script;
  let made = 0;
  for (const [round, steps] of script.entries()) {
    if (made >= results.length && steps.length > 0) {
      return {
        calls: steps.map(({ call, args = {} }, index) => ({
          id: `call_${round}_${index}`,
          name: call,
          args,
        })),
      };
    }
    made += steps.length;
  }
  return { answer: results.join('\n---\n') };
}
