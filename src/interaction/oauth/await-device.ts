import { findPosternError, type PosternError } from '../../core/postern-error.ts';
import { pollDevice, type DeviceAuthorization, type DevicePoll } from '../../oauth/device.ts';
import type { Grant } from '../../oauth/grant-record.ts';
import { withClock, type OAuthHttp } from '../../oauth/oauth-http.ts';
import type { FlowWatch } from '../flow.ts';

/** What is asked after, and how often as of the last time. */
export interface AskedAfter {
  readonly device: DeviceAuthorization;
  readonly intervalMs: number;
}

/** How asking ended: with a grant, for good without one, or because somebody else has to go on. */
export type DeviceOutcome =
  | { readonly grant: Grant }
  | { readonly error: PosternError }
  | { readonly stopped: true };

/** A server that cannot be reached is asked less and less often. */
const maxBackoffMs = 60_000;

/**
 * Asks after a device code until there is an answer, never sooner than its server allows. For one process at a time.
 *
 * @param slowDown remembers a longer interval, before the next poll: whoever takes over must not ask sooner.
 * @see RFC 8628 §3.5
 */
export async function awaitDevice(
  { device, ...asked }: AskedAfter,
  http: OAuthHttp,
  { signal, clock, pause }: Pick<FlowWatch, 'signal' | 'clock' | 'pause'>,
  slowDown: (intervalMs: number) => Promise<void>,
): Promise<DeviceOutcome> {
  let { intervalMs } = asked;
  let failures = 0;
  for (;;) {
    // Always a whole interval after the last poll, whoever made it.
    const pauseMs =
      failures === 0 ? intervalMs : Math.max(intervalMs, Math.min(intervalMs * 2 ** failures, maxBackoffMs));
    await pause(Math.max(0, Math.min(pauseMs, device.expiresAtMs - clock())));
    if (signal.aborted) return { stopped: true };
    let polled: DevicePoll;
    try {
      polled = await pollDevice(device, withClock(http, clock), { intervalMs });
      failures = 0;
    } catch (error) {
      const known = findPosternError(error);
      if (known === undefined) throw error;
      // Its own deadline ends the code, and polling a code that has run out says so.
      if (!known.facts.retry) return { error: known };
      failures++;
      continue;
    }
    if (polled.status === 'granted') return { grant: polled.grant };
    if (polled.intervalMs === intervalMs) continue;
    intervalMs = polled.intervalMs;
    await slowDown(intervalMs);
  }
}
