const msPerReconnection = 1_000;
const freeReconnections = 10;
/** What a timer can wait, and longer than anybody would. */
const longestMs = 60 * 60_000;

/**
 * When the stream of a server is taken up again: as it asks, but for one that has it taken up again and again. Ten times at
 * once, and then once a second.
 */
export function reconnectAtPace(
  clock: () => number = () => performance.now(),
): (reconnect: () => void, delayMs: number) => () => void {
  let left = freeReconnections;
  let asOfMs = clock();
  return (reconnect, delayMs) => {
    const nowMs = clock();
    left = Math.min(freeReconnections, left + (nowMs - asOfMs) / msPerReconnection);
    asOfMs = nowMs;
    left = Math.max(0, left - 1);
    const ms = Math.max(delayMs, left < 1 ? msPerReconnection : 0);
    const timer = setTimeout(reconnect, Math.min(ms, longestMs));
    return () => clearTimeout(timer);
  };
}
