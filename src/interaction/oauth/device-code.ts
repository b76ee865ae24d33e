import { levelOfEnd } from '../../core/level-of-end.ts';
import type { Grant } from '../../oauth/grant-record.ts';
import * as z from 'zod';
import {
  deviceAuthorizationSchema,
  startDeviceAuthorization,
  type DeviceAuthorizationOptions,
} from '../../oauth/device.ts';
import { withClock, type OAuthHttp } from '../../oauth/oauth-http.ts';
import { serverWordOf } from '../../oauth/server-word.ts';
import { html, type Html } from '../../web/html.ts';
import type { PageFact } from '../../web/page.ts';
import { dataOf, type Flow, type FlowVisit } from '../flow.ts';
import { seePage, type Pages } from '../pages/pages.ts';
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
  /** Who asks, for whom, for what, where it leads, until when. */
  readonly facts: readonly PageFact[];
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
export function deviceCode(options: DeviceCodeOptions): Flow<OAuthCredential, Grant> {
  const { http } = options;
  const authorize = withKnownProfile(options.authorize);

  const show = async (visit: FlowVisit): Promise<Response> => {
    const { request, data } = dataOf(visit.pending);
    const { device } = deviceData.parse(data);
    const { formToken, statusUrl } = visit;
    const { userCode, verificationUri } = device;
    const { pages } = visit;
    const { host } = new URL(verificationUri);
    const { resource } = request;
    const facts = pages.facts({ goesTo: host });
    const view = { resource, userCode, verificationUri, formToken, statusUrl, facts };
    if (options.render !== undefined) return options.render(view);
    return pages.form(200, {
      title: options.title ?? pages.say('code.title'),
      text: pages.say('code.text', { resource }),
      watch: statusUrl,
      goesTo: host,
      body: renderCode(view, visit.pageUrl, pages),
    });
  };

  return {
    kind: 'device_code',
    credential: serviceTokens(http),
    requestMs: http.timeoutMs,

    async begin({ resource, alias, scopes, loginHint: given, account, clock, say }) {
      const plan = await authorize({ resource, alias, scopes });
      const loginHint = given ?? loginHintFor(plan.discovery.issuer, account);
      const device = await startDeviceAuthorization({ loginHint, ...plan }, withClock(http, clock));
      return {
        data: { device, intervalMs: device.intervalMs } satisfies DeviceData,
        message: say('code.message', { resource }),
        ttlMs: Math.max(1_000, device.expiresAtMs - clock()),
      };
    },

    async visit(visit) {
      if (visit.rest !== '') return visit.pages.failure('ERR_POSTERN_PENDING_NOT_FOUND');
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
        const word = serverWordOf(outcome.error);
        logger[levelOfEnd(code, 'warn')]('a device code led nowhere', { namespace, code, ...word });
        await fail(code);
      }
      if ('grant' in outcome) await finish(outcome.grant);
    },
  };
}

function renderCode(view: DeviceCodeView, pageUrl: string, pages: Pages): Html {
  return html`${pages.code(view, pageUrl)}
    <form method="post">
      <input type="hidden" name="form-token" value="${view.formToken}" />
      <div class="row"><button class="quiet">${pages.say('action.decline')}</button></div>
    </form>`;
}
