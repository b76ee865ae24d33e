/** Runs something without what libraries print meanwhile: a probe provokes their warnings on purpose. */
export async function withoutWarnings<T>(work: () => Promise<T>): Promise<T> {
  const { warn } = console;
  console.warn = () => {};
  try {
    return await work();
  } finally {
    console.warn = warn;
  }
}
