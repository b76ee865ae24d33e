import { z } from 'zod';
import {
  deviceAuthorizationSchema,
  startDeviceAuthorization,
  type DeviceAuthorizationOptions,
} from '../../oauth/device.ts';
import { withClock, type OAuthHttp } from '../../oauth/oauth-http.ts';
import { serverWordOf } from '../../oauth/server-word.ts';
import { html, type Html } from '../../web/html.ts';
import { dataOf, type Flow, type FlowVisit } from '../flow.ts';
import { codeBlock } from '../pages/code-block.ts';
import { failurePage, formPage, seePage } from '../pages/pages.ts';
import { awaitDevice } from './await-device.ts';
import { loginHintFor } from './login-hint-for.ts';
import { serviceTokens, type OAuthCredential } from './grant-kind.ts';
import { withKnownProfile } from './known-profile.ts';

export interface DeviceCodeOptions {
  /** Requests to the authorization server. */
  readonly http: OAuthHttp;
  /** Where and as whom: discovered, or written down for a server without metadata. */
  readonly authorize: (request: {
    resource: string;
    /** Which of the person's accounts. */
    alias: string;
    scopes: readonly string[];
  }) => DeviceAuthorizationOptions | Promise<DeviceAuthorizationOptions>;
  readonly title?: string | undefined;
  /** A page of one's own in place of ours. Its form posts `form-token` to the same address, to decline. */
  readonly render?: ((view: DeviceCodeView) => Response | Promise<Response>) | undefined;
}

/** What a page of one's own is given. */
export interface DeviceCodeView {
  readonly resource: string;
  /** What the person enters. For them alone. */
  readonly userCode: string;
  /** Where they enter it. Checked: it may be opened in a browser. */
  readonly verificationUri: string;
  readonly formToken: string;
  /** Answers `{ "status": "pending" }` until the interaction has ended. */
  readonly statusUrl: string;
}

const deviceData = z.looseObject({ device: deviceAuthorizationSchema, intervalMs: z.number() });

type DeviceData = z.infer<typeof deviceData>;

/**
 * The device authorization grant: the person enters a short code at the service, from any device.
 *
 * One process in the fleet polls; when it dies, another goes on from the interval it had reached.
 *
 * @see RFC 8628
 */
export function deviceCode(options: DeviceCodeOptions): Flow<OAuthCredential> {
  const { http } = options;
  const authorize = withKnownProfile(options.authorize);

  const show = async (visit: FlowVisit): Promise<Response> => {
    const { request, data } = dataOf(visit.pending);
    const { device } = deviceData.parse(data);
    const { formToken, statusUrl } = visit;
    const { userCode, verificationUri } = device;
    const view = { resource: request.resource, userCode, verificationUri, formToken, statusUrl };
    if (options.render !== undefined) return options.render(view);
    return formPage(200, {
      title: options.title ?? 'Enter this code',
      text: `${request.resource} asks for it. Go on only if you have just asked for this yourself, and enter the code nowhere else.`,
      watch: statusUrl,
      body: renderCode(view, visit.pageUrl),
    });
  };

  return {
    kind: 'device_code',
    credential: serviceTokens(http),
    requestMs: http.timeoutMs,

    async begin({ resource, alias, scopes, loginHint: given, account, clock }) {
      const plan = await authorize({ resource, alias, scopes });
      const loginHint = given ?? loginHintFor(plan.discovery.issuer, account);
      const device = await startDeviceAuthorization({ loginHint, ...plan }, withClock(http, clock));
      return {
        data: { device, intervalMs: device.intervalMs } satisfies DeviceData,
        message: `Sign in to ${resource} with a code`,
        ttlMs: Math.max(1_000, device.expiresAtMs - clock()),
      };
    },

    async visit(visit) {
      if (visit.rest !== '') return failurePage('ERR_POSTERN_PENDING_NOT_FOUND');
      if (visit.request.method === 'GET') return show(visit);
      await visit.readForm();
      await visit.fail('ERR_POSTERN_AUTH_DENIED');
      return seePage(visit.pageUrl);
    },

    async watch(watch) {
      const { pending, logger, fail, finish, update } = watch;
      const data = deviceData.parse(dataOf(pending).data);
      const outcome = await awaitDevice(data, http, watch, (intervalMs) =>
        update((stored) => ({ ...deviceData.parse(stored), intervalMs })),
      );
      if ('error' in outcome) {
        const { code } = outcome.error;
        const namespace = pending.namespace.id;
        logger.warn('a device code led nowhere', { namespace, code, ...serverWordOf(outcome.error) });
        await fail(code);
      }
      if ('grant' in outcome) await finish(outcome.grant);
    },
  };
}

function renderCode(view: DeviceCodeView, pageUrl: string): Html {
  return html`${codeBlock(view, pageUrl)}
    <form method="post">
      <input type="hidden" name="form-token" value="${view.formToken}" />
      <div class="row"><button class="quiet">Decline</button></div>
    </form>`;
}
