import { calculateJwkThumbprint, decodeProtectedHeader, type JWK } from 'jose';
import type { Call, ProgrammableAuthorization } from './programmable-authorization.ts';
import type { Reply } from './programmable-reply.ts';

export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

/** What a server's metadata says when it gives out device codes. */
export const withDeviceCodes = {
  grant_types_supported: ['authorization_code', 'refresh_token', deviceGrant],
};

/** The device codes of a programmable server, and the person who enters them. */
export class ProgrammableDevices {
  readonly #as: ProgrammableAuthorization;
  readonly #given = new Map<string, { readonly asked: URLSearchParams; answer: string | undefined }>();
  readonly polls: Call[] = [];
  /** Which clients may use a code. Default: those that have registered for it. */
  isAllowed: ((clientId: string) => boolean) | undefined;

  /** @param intervalSeconds how long to wait between polls. */
  constructor(as: ProgrammableAuthorization, { intervalSeconds = 0.05, expiresInSeconds = 300 } = {}) {
    this.#as = as;
    as.on('device', (call) => {
      if (!this.#mayUse(call.form.get('client_id') ?? '')) return refusal('unauthorized_client');
      const number = this.#given.size + 1;
      const code = `CNRYzsecretz-device-${number}`;
      this.#given.set(code, { asked: call.form, answer: undefined });
      return {
        body: {
          device_code: code,
          user_code: `WDJB-${String(number).padStart(4, '0')}`,
          verification_uri: `${as.origin}/enter`,
          expires_in: expiresInSeconds,
          interval: intervalSeconds,
        },
      };
    });
    as.on('token', (call) => (call.form.get('grant_type') === deviceGrant ? this.answer(call) : undefined));
  }

  /** The person enters the code that was given out last, and approves as this subject. */
  approve(subject: string): void {
    this.#answer(`as ${subject}`);
  }

  deny(): void {
    this.#answer('access_denied');
  }

  /** The server forgets the last code. */
  expire(): void {
    this.#answer('expired_token');
  }

  #answer(answer: string): void {
    const last = [...this.#given.values()].at(-1);
    if (last === undefined) throw new Error('no code was given out');
    last.answer = answer;
  }

  #mayUse(clientId: string): boolean {
    if (this.isAllowed !== undefined) return this.isAllowed(clientId);
    return this.#as.calls.some(
      ({ kind, text }) => kind === 'register' && text.includes(deviceGrant) && clientId !== '',
    );
  }

  /** What a poll is answered with. */
  async answer(call: Call): Promise<Reply> {
    this.polls.push(call);
    const device = this.#given.get(call.form.get('device_code') ?? '');
    if (device === undefined) return refusal('invalid_grant');
    const { answer, asked } = device;
    if (answer === undefined) return refusal('authorization_pending');
    if (!answer.startsWith('as ')) return refusal(answer);
    device.answer = 'invalid_grant';
    const proof = typeof call.headers.dpop === 'string' ? call.headers.dpop : undefined;
    const issued = this.#as.tokens.issue({
      clientId: call.form.get('client_id') ?? '',
      scope: asked.get('scope') ?? undefined,
      resource: asked.get('resource') ?? undefined,
      subject: answer.slice('as '.length),
      jkt: proof && (await calculateJwkThumbprint(decodeProtectedHeader(proof).jwk as JWK)),
    });
    return { body: await this.#as.tokenResponse(issued) };
  }
}

function refusal(error: string): Reply {
  return { status: 400, body: { error } };
}
