/** Waits until something is there, and says what was on the screen when it never came. */
export async function until<T>(
  fact: string,
  { screen }: { readonly screen: string } = { screen: '' },
  find: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  for (const deadline = performance.now() + 60_000; performance.now() < deadline;) {
    const found = await find();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`it has not come to pass that ${fact}\n${screen}`);
}
