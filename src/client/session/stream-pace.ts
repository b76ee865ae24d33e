const msPerReconnection = 1_000;
const freeReconnections = 10;
/** What a timer can wait, and longer than anybody would. */
const longestMs = 60 * 60_000;

/**
 * When the stream of a server is taken up again: as it asks, but for one that has it taken up again and again. Ten times at
 * once, and then once a second.
 *
 * @returns how long is really waited, in milliseconds, given how long the server asks for.
 */
export function reconnectionPace(clock: () => number = () => performance.now()): (delayMs: number) => number {
  let left = freeReconnections;
  let asOfMs = clock();
  return (delayMs) => {
    const nowMs = clock();
    left = Math.min(freeReconnections, left + (nowMs - asOfMs) / msPerReconnection);
    asOfMs = nowMs;
    left = Math.max(0, left - 1);
    return Math.min(Math.max(delayMs, left < 1 ? msPerReconnection : 0), longestMs);
  };
}
