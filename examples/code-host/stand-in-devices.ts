import { randomBytes, randomInt } from 'node:crypto';

interface Device {
  readonly userCode: string;
  readonly expiresAtMs: number;
  intervalMs: number;
  nextPollAtMs: number;
  decision?: { readonly login: string } | 'denied';
}

/** Device codes, as the service answers for them: in forms, and with errors inside a 200. */
export class DeviceSignIns {
  readonly counters: Record<'device' | 'polls' | 'slowDowns', number> = { device: 0, polls: 0, slowDowns: 0 };
  readonly #devices = new Map<string, Device>();
  readonly #options: {
    readonly origin: string;
    readonly intervalSeconds: number;
    readonly issueToken: (login: string) => string;
  };
  #slowNext = false;

  constructor(options: { origin: string; intervalSeconds: number; issueToken: (login: string) => string }) {
    this.#options = options;
  }

  slowDownOnce(): void {
    this.#slowNext = true;
  }

  async begin(request: Request): Promise<Response> {
    this.counters.device++;
    const clientId = (await readForm(request)).get('client_id');
    if (clientId === null) return form({ error: 'incorrect_client_credentials' });
    const { origin, intervalSeconds } = this.#options;
    const deviceCode = randomBytes(20).toString('hex');
    const letters = 'BCDFGHJKLMNPQRSTVWXZ';
    const userCode = Array.from({ length: 8 }, () => letters[randomInt(letters.length)]).join('');
    this.#devices.set(deviceCode, {
      userCode: `${userCode.slice(0, 4)}-${userCode.slice(4)}`,
      expiresAtMs: Date.now() + 900_000,
      intervalMs: intervalSeconds * 1_000,
      nextPollAtMs: 0,
    });
    return form({
      device_code: deviceCode,
      user_code: this.#devices.get(deviceCode)?.userCode ?? '',
      verification_uri: `${origin}/login/device`,
      expires_in: '900',
      interval: String(intervalSeconds),
    });
  }

  async poll(request: Request): Promise<Response> {
    this.counters.polls++;
    const code = (await readForm(request)).get('device_code') ?? '';
    const device = this.#devices.get(code);
    if (device === undefined) return form({ error: 'incorrect_device_code' });
    if (Date.now() >= device.expiresAtMs) return form({ error: 'expired_token' });
    // A little early is as good as in time: timers are not exact.
    if (this.#slowNext || Date.now() < device.nextPollAtMs - 100) {
      this.#slowNext = false;
      this.counters.slowDowns++;
      device.intervalMs += 5_000;
      device.nextPollAtMs = Date.now() + device.intervalMs;
      return form({ error: 'slow_down', interval: String(device.intervalMs / 1_000) });
    }
    device.nextPollAtMs = Date.now() + device.intervalMs;
    if (device.decision === undefined) {
      return form({
        error: 'authorization_pending',
        error_description: 'The person has not entered the code yet.',
      });
    }
    this.#devices.delete(code);
    if (device.decision === 'denied') return form({ error: 'access_denied' });
    return form({
      access_token: this.#options.issueToken(device.decision.login),
      token_type: 'bearer',
      scope: 'repo,read:org',
    });
  }

  /** Whether there was such a code to decide on. */
  decide(userCode: string, decision: { login: string } | 'denied'): boolean {
    const wanted = userCode.trim().toUpperCase();
    const device = [...this.#devices.values()].find(
      (one) => one.userCode === wanted && one.decision === undefined,
    );
    if (device === undefined) return false;
    device.decision = decision;
    return true;
  }
}

/** The service answers in this form whatever is asked for. */
function form(values: Record<string, string>): Response {
  return new Response(new URLSearchParams(values), { headers: { 'cache-control': 'no-store' } });
}

async function readForm(request: Request): Promise<URLSearchParams> {
  return new URLSearchParams((await request.text()).slice(0, 8_192));
}
