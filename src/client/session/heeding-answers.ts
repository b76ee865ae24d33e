/** The same `fetch`, which says when there is an answer, whatever it is. */
export function heedingAnswers(
  fetch: typeof globalThis.fetch,
  onAnswer: () => void,
): typeof globalThis.fetch {
  return async (...request) => {
    const response = await fetch(...request);
    onAnswer();
    return response;
  };
}
