import * as z from 'zod';
import type { ZodType } from 'zod';
import type { Clock } from '../../core/clock.ts';
import type { PosternErrorCode } from '../../core/error-codes.ts';
import { findPosternError, isPosternError, PosternError } from '../../core/postern-error.ts';
import type { ClientIdentity } from '../../oauth/client-identity.ts';
import { deviceAuthorizationSchema, startDeviceAuthorization } from '../../oauth/device.ts';
import type { Discovery } from '../../oauth/discovery.ts';
import { withClock, type OAuthHttp } from '../../oauth/oauth-http.ts';
import type { IssuerProfile } from '../../oauth/profiles/issuer-profile.ts';
import { dataOf, type FlowVisit, type FlowWatch } from '../flow.ts';
import { unlessEnded } from '../is-ended.ts';
import { awaitDevice, type AskedAfter } from './await-device.ts';

/** What the way by a code needs of a sign-in, and adds to it. */
export interface CodeWayData {
  readonly discovery: Discovery;
  readonly client: ClientIdentity;
  readonly profile: IssuerProfile;
  readonly privateNetwork?: boolean | undefined;
  /** Whom the issuer is to expect. */
  readonly loginHint?: string | undefined;
  readonly code?: AskedAfter | undefined;
  /** How many codes were asked for on this link. */
  readonly codes?: number | undefined;
  /** The last one ran out, or led nowhere. */
  readonly codeFailed?: boolean | undefined;
  /** The person was given the code in place of the link: the sign-in ends with it. */
  readonly byCode?: boolean | undefined;
}

type CodeWayField = 'code' | 'codes' | 'codeFailed' | 'byCode';

export const codeWayFields: { readonly [Name in CodeWayField]: ZodType<CodeWayData[Name]> } = {
  code: z.looseObject({ device: deviceAuthorizationSchema, intervalMs: z.number() }).optional(),
  codes: z.number().optional(),
  codeFailed: z.boolean().optional(),
  byCode: z.boolean().optional(),
};

export interface CodeWayOptions<D> {
  /** Reads what a pending holds. */
  readonly read: (stored: unknown) => D;
  readonly httpFor: (data: D) => OAuthHttp;
  /** Who to ask as: a client that may redeem a code. */
  readonly clientFor: (data: D, scopes: readonly string[]) => Promise<ClientIdentity>;
  /** Is told of a client that its issuer refuses. Resolves to whoever can take its place. */
  readonly replace: (
    client: ClientIdentity,
    data: D,
    scopes: readonly string[],
  ) => Promise<ClientIdentity | undefined>;
}

/** How many codes one link gives out. */
const maxCodes = 5;

/** Signing in by a code that is entered at another device, on the same link as the redirect: whichever is first ends both. */
export class CodeWay<D extends CodeWayData> {
  readonly #options: CodeWayOptions<D>;

  constructor(options: CodeWayOptions<D>) {
    this.#options = options;
  }

  /** @throws {PosternError} as {@link startDeviceAuthorization}. */
  async ask(data: D, scopes: readonly string[], clock: Clock): Promise<AskedAfter> {
    const { discovery, profile, privateNetwork, loginHint } = data;
    const http = withClock(this.#options.httpFor(data), clock);
    const start = async (client: ClientIdentity): Promise<AskedAfter> => {
      const wanted = scopes.length > 0 ? scopes : undefined;
      const device = await startDeviceAuthorization(
        { discovery, client, profile, privateNetwork, loginHint, scopes: wanted },
        http,
      );
      return { device, intervalMs: device.intervalMs };
    };
    const client = await this.#options.clientFor(data, scopes);
    try {
      return await start(client);
    } catch (error) {
      if (!isPosternError(error, 'ERR_POSTERN_OAUTH_CLIENT_REJECTED')) throw error;
      const other = await this.#options.replace(client, data, scopes);
      if (other === undefined) throw error;
      return start(other);
    }
  }

  /** Has the page of a link show a code. The one that it shows stays, while it lives. */
  async begin(visit: FlowVisit): Promise<void> {
    const { read } = this.#options;
    const { data, request } = dataOf(visit.pending);
    const isLive = ({ code }: D): boolean => code !== undefined && code.device.expiresAtMs > visit.clock();
    if (isLive(read(data))) return;
    // Counted before it is asked for: many presses at once are no more than one after the other.
    await visit.update((stored) => {
      const now = read(stored);
      const { codes = 0 } = now;
      if (codes >= maxCodes) throw tooMany();
      return { ...now, codes: codes + 1 };
    });
    const code = await this.ask(read(data), request.scopes, visit.clock);
    await visit.update((stored) => {
      const now = read(stored);
      return isLive(now) ? now : { ...now, code, codeFailed: undefined };
    });
  }

  /** Asks after the code, as the one process that does. */
  async watch(watch: FlowWatch): Promise<void> {
    const { read, httpFor } = this.#options;
    const data = read(dataOf(watch.pending).data);
    const { code, byCode } = data;
    if (code === undefined) return;
    const { device } = code;
    const change = (next: (now: D) => Partial<CodeWayData>): Promise<void> =>
      watch.update((stored) => {
        const now = read(stored);
        const isSame = now.code?.device.deviceCode === device.deviceCode;
        return isSame ? { ...now, ...next(now) } : now;
      });
    const outcome = await awaitDevice(code, httpFor(data), watch, (intervalMs) =>
      change(() => ({ code: { device, intervalMs } })),
    );
    if ('stopped' in outcome) return;
    const failure =
      'error' in outcome ? outcome.error.code : await finish(watch, outcome.grant, device.scopes);
    if (failure === undefined) return;
    if (byCode === true || endsAll.has(failure)) return unlessEnded(watch.fail(failure));
    watch.logger.warn('a device code led nowhere; its link goes on', { code: failure });
    await unlessEnded(change(() => ({ code: undefined, codeFailed: true })));
  }
}

/** What a person has said with the code holds for the whole sign-in. */
const endsAll: ReadonlySet<PosternErrorCode> = new Set([
  'ERR_POSTERN_AUTH_DENIED',
  'ERR_POSTERN_AUTH_WRONG_USER',
]);

/** Resolves to why it could not be kept. Where another way was faster, there is nothing to say. */
async function finish(
  { finish: keep }: FlowWatch,
  grant: unknown,
  scopes: readonly string[] = [],
): Promise<PosternErrorCode | undefined> {
  try {
    await unlessEnded(keep(grant, scopes));
    return undefined;
  } catch (error) {
    const known = findPosternError(error);
    if (known === undefined || known.facts.retry) throw error;
    return known.code;
  }
}

function tooMany(): PosternError {
  return new PosternError('ERR_POSTERN_OOB_LIMIT', `a link was asked for more than ${maxCodes} codes`, {
    hint: 'Use another way on its page, or ask for a new link.',
  });
}
