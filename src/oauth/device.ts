import {
  deviceAuthorizationRequest,
  processDeviceAuthorizationResponse,
  type AuthorizationServer,
} from 'oauth4webapi';
import * as z from 'zod';
import type { ZodType } from 'zod';
import { PosternError } from '../core/postern-error.ts';
import { readRetryAfter } from '../core/retry-after.ts';
import { authenticationOf, libraryClient } from './client-authentication.ts';
import type { ClientIdentity } from './client-identity.ts';
import { describeUrl } from './describe-url.ts';
import type { Discovery } from './discovery.ts';
import { bindingKey } from './dpop.ts';
import type { Grant } from './grant-record.ts';
import { endpointsFor, sentBy } from './mutual-tls.ts';
import { numberOf } from './number-of.ts';
import { libraryCode, requestRefused } from './oauth-errors.ts';
import { acceptTokens } from './obtain-tokens.ts';
import type { OAuthHttp } from './oauth-http.ts';
import type { IssuerProfile } from './profiles/issuer-profile.ts';
import { resourceParameter, scopeParameter, shapeParameters } from './profiles/shape-parameters.ts';
import { tokenEndpointFields, tokenEndpointOf, type TokenEndpoint } from './token-endpoint.ts';
import { sendTokenRequest, type TokenRequestOptions } from './token-request.ts';
import { readBody } from './token-response.ts';

/** A sign-in that goes on at another device. The device code is a secret; the user code is for the person. */
export interface DeviceAuthorization extends TokenEndpoint {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete?: string | undefined;
  readonly expiresAtMs: number;
  /** How long to wait before each poll. */
  readonly intervalMs: number;
}

export const deviceAuthorizationSchema: ZodType<DeviceAuthorization> = z.looseObject({
  ...tokenEndpointFields,
  deviceCode: z.string(),
  userCode: z.string(),
  verificationUri: z.string(),
  verificationUriComplete: z.string().optional(),
  expiresAtMs: z.number(),
  intervalMs: z.number(),
});

/** What {@link startDeviceAuthorization} takes. */
export interface DeviceAuthorizationOptions extends TokenRequestOptions {
  readonly discovery: Pick<Discovery, 'issuer' | 'server' | 'resource'> & {
    readonly dpopRequired?: boolean | undefined;
  };
  readonly client: ClientIdentity;
  readonly scopes?: readonly string[] | undefined;
  /** Whom the issuer is to expect. Not every one looks. */
  readonly loginHint?: string | undefined;
  readonly profile?: IssuerProfile | undefined;
  /** The operator allows endpoints in a private network: so they do for the grant. */
  readonly privateNetwork?: boolean | undefined;
  /** Binds the tokens to a fresh key. Default: only when the resource requires it. */
  readonly dpop?: boolean | undefined;
}

/** The grant that a client redeems a device code with. A client that registers itself has to ask for it. */
export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
const maxLifetimeMs = 3_600_000;
const maxIntervalMs = 60_000;
const maxTextLength = 2048;

/** Whether a server gives out device codes, by its metadata. */
export function offersDeviceCodes(server: AuthorizationServer): boolean {
  const { device_authorization_endpoint: endpoint, grant_types_supported: supported } = server;
  return endpoint !== undefined && supported?.includes(deviceGrant) !== false;
}

/**
 * Asks for a code that the person enters at another device.
 *
 * @throws {PosternError} ERR_POSTERN_OAUTH_METADATA_INVALID when the server has no endpoint for it.
 * @throws {PosternError} ERR_POSTERN_OAUTH_URL_FORBIDDEN when the page it names may not be opened.
 * @throws {PosternError} ERR_POSTERN_OAUTH_RESPONSE_INVALID when its answer cannot be used.
 * @see RFC 8628 §3.1
 */
export async function startDeviceAuthorization(
  options: DeviceAuthorizationOptions,
  http: OAuthHttp,
): Promise<DeviceAuthorization> {
  const { discovery, client, scopes, loginHint, profile } = options;
  const { issuer, resource } = discovery;
  const server = endpointsFor(discovery.server, client);
  const what = `the device-authorization endpoint of ${describeUrl(issuer)}`;
  const { token_endpoint: tokenEndpoint, device_authorization_endpoint: endpoint } = server;
  if (tokenEndpoint === undefined || endpoint === undefined) {
    throw new PosternError(
      'ERR_POSTERN_OAUTH_METADATA_INVALID',
      `the metadata of ${describeUrl(issuer)} names no endpoint for device codes`,
    );
  }
  const parameters = shapeParameters(
    {
      ...scopeParameter(scopes, profile),
      ...resourceParameter(resource, profile),
      ...(loginHint !== undefined && { login_hint: loginHint }),
    },
    profile,
  );
  const response = await deviceAuthorizationRequest(
    server,
    libraryClient(client),
    await authenticationOf(client, options.clientAssertion),
    parameters,
    sentBy(client, http),
  );
  const { object: reply } = await readBody(response);
  const { status } = response;
  if (!response.ok || reply?.error !== undefined) {
    throw requestRefused({
      what,
      status,
      answer: reply,
      profile,
      secrets: [client.clientSecret],
      ...readRetryAfter(response, http.clock()),
    });
  }
  const device = await processDeviceAuthorizationResponse(
    server,
    libraryClient(client),
    Response.json({
      ...reply,
      expires_in: lifetimeSeconds(reply?.['expires_in']),
      interval: intervalSeconds(reply?.['interval']),
    }),
  ).catch((cause: unknown) => {
    throw unusable(what, libraryCode(cause));
  });
  const texts = [device.user_code, device.verification_uri, device.verification_uri_complete ?? ''];
  if (texts.some((text) => text.length > maxTextLength)) throw unusable(what, 'a text is too long');
  if (!typable.test(device.user_code)) throw unusable(what, 'nobody could type its code');
  return {
    issuer,
    ...(server.issuer !== issuer && { statedIssuer: server.issuer }),
    tokenEndpoint,
    revocationEndpoint: server.revocation_endpoint,
    idTokenSigningAlgs: server.id_token_signing_alg_values_supported,
    client,
    resource,
    scopes,
    profile,
    ...(options.privateNetwork === true && { privateNetwork: true }),
    ...(await bindingKey(options)),
    deviceCode: device.device_code,
    userCode: device.user_code,
    verificationUri: http.checkBrowserUrl(device.verification_uri),
    ...(device.verification_uri_complete !== undefined && {
      verificationUriComplete: http.checkBrowserUrl(device.verification_uri_complete),
    }),
    expiresAtMs: http.clock() + Math.min(device.expires_in * 1000, maxLifetimeMs),
    intervalMs: Math.min((device.interval ?? 5) * 1000, maxIntervalMs),
  };
}

/** What one poll found. A waiting one says how long to wait before the next. */
export type DevicePoll =
  | { readonly status: 'waiting'; readonly intervalMs: number }
  | { readonly status: 'granted'; readonly grant: Grant };

/**
 * Asks once whether the person has finished. Waiting, and who may poll, are the caller's.
 *
 * @throws {PosternError} ERR_POSTERN_PENDING_EXPIRED when the code has run out; nothing is sent then.
 * @throws {PosternError} ERR_POSTERN_AUTH_DENIED when the person declined.
 * @throws {PosternError} as `exchangeCode` does.
 * @see RFC 8628 §3.5
 */
export async function pollDevice(
  device: DeviceAuthorization,
  http: OAuthHttp,
  options: TokenRequestOptions & {
    /** Of the last poll. Default: that of the authorization. */
    readonly intervalMs?: number | undefined;
  } = {},
): Promise<DevicePoll> {
  const { intervalMs = device.intervalMs } = options;
  const sentAtMs = http.clock();
  if (sentAtMs >= device.expiresAtMs) throw expired();
  const { response, dpopNonce } = await sendTokenRequest(
    device,
    deviceGrant,
    { device_code: device.deviceCode },
    http,
    options,
  );
  const { object } = await readBody(response.clone());
  switch (object?.error) {
    case 'authorization_pending':
      return { status: 'waiting', intervalMs };
    case 'slow_down':
      return { status: 'waiting', intervalMs: intervalMs + 5000 };
    case 'expired_token':
      throw expired();
    default:
  }
  const tokens = await acceptTokens(
    response,
    { endpoint: device, sentAtMs, secrets: [device.deviceCode, device.userCode] },
    http,
    options,
  );
  const bound = device.dpopKeyJwk !== undefined && { dpopNonce };
  const endpoint = tokenEndpointOf(device);
  const scopes = tokens.scopes ?? device.scopes;
  return {
    status: 'granted',
    grant: { ...endpoint, ...tokens, scopes, ...bound, obtainedAtMs: http.clock() },
  };
}

/**
 * A code is shown on terminals, pages and in chats, and typed by a person: letters, digits and signs. What else a server
 * sends would move a cursor, or turn the text around it.
 */
const typable = /^[\p{L}\p{N}\p{P}\p{S} ]{1,128}$/u;

/** A code that has run out before a person can read it is none: the library refuses a reply without a lifetime. */
function lifetimeSeconds(value: unknown): number | undefined {
  const seconds = numberOf(value);
  return Number.isFinite(seconds) && seconds >= 1 ? seconds : undefined;
}

/** RFC 8628 §3.5: five where none is said. What would have us ask without a pause is none. */
function intervalSeconds(value: unknown): number {
  const seconds = numberOf(value);
  return Number.isFinite(seconds) && seconds >= 0.01 ? seconds : 5;
}

function expired(): PosternError {
  return new PosternError('ERR_POSTERN_PENDING_EXPIRED', 'the device code has run out', {
    hint: 'Start the sign-in again.',
  });
}

function unusable(what: string, why: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_OAUTH_RESPONSE_INVALID',
    `${what} sent a reply that cannot be used: ${why}`,
  );
}
