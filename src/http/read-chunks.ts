/** An answer of a network of ours, whose body is read without a stream of the web between. */
export interface ChunkedAnswer {
  /** As {@link readChunks}. */
  eachChunk(take: (chunk: Uint8Array) => void): Promise<void>;
}

/**
 * Gives all of a body to `take`, as it comes. Where `take` throws, nothing more of it is read.
 *
 * @throws what `take` throws, and what ends the body before its end.
 */
export async function readChunks(
  response: Response | (Response & ChunkedAnswer),
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  if ('eachChunk' in response) return response.eachChunk(take);
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) take(next.value);
  } catch (error) {
    void reader.cancel().catch(() => {});
    throw error;
  }
}
