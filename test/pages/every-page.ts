import { errorCodes, type PosternErrorCode } from '../../src/core/error-codes.ts';
import { elicitation } from '../../src/interaction/elicitation/elicitation.ts';
import type { FlowVisit, InteractionData } from '../../src/interaction/flow.ts';
import { secretForm } from '../../src/interaction/forms/secret-form.ts';
import { inboxPage } from '../../src/interaction/inbox/inbox-page.ts';
import { ownedPage } from '../../src/interaction/ladder/owned-page.ts';
import { consentPage } from '../../src/interaction/oauth/consent-page.ts';
import { deviceCode } from '../../src/interaction/oauth/device-code.ts';
import { Pages } from '../../src/interaction/pages/pages.ts';
import { createNamespace } from '../../src/namespace/namespace.ts';
import { allowPrivateNetwork, createOAuthHttp } from '../../src/oauth/index.ts';
import type { Pending } from '../../src/pending/pending.ts';
import type { Look } from '../../src/web/look.ts';
import type { Texts } from '../../src/web/texts/texts.ts';

const nowMs = Date.parse('2026-03-04T10:00:00Z');
const namespace = createNamespace('user', 'alice');
const device = {
  issuer: 'https://issuer.example',
  tokenEndpoint: 'https://issuer.example/token',
  client: {
    issuer: 'https://issuer.example',
    clientId: 'x',
    tokenEndpointAuthMethod: 'none',
    source: 'preregistered',
    redirectUris: [],
  },
  resource: 'https://calendar.example',
  dpopRequired: false,
  profile: {},
  deviceCode: 'secret',
  userCode: 'WDJB-MJHT',
  verificationUri: 'https://issuer.example/device',
  expiresAtMs: nowMs + 600_000,
  intervalMs: 5_000,
};
const form = secretForm(
  {
    type: 'object',
    properties: {
      host: {
        type: 'string',
        title: 'Host',
        description: 'As in the connection string.',
        default: 'db.example',
      },
      port: { type: 'integer', title: 'Port' },
      mode: { type: 'string', title: 'Mode', enum: ['read', 'write'] },
      password: { type: 'string', title: 'Password', writeOnly: true, autocomplete: 'current-password' },
      key: { type: 'string', title: 'Key', writeOnly: true, format: 'multiline' },
      tls: { type: 'boolean', title: 'Use TLS', default: true },
    },
    required: ['host', 'port', 'password'],
  },
  { title: 'Log in to the database' },
);

/** Makes every page that a person can meet, as whoever runs them looks and speaks. */
export function everyPage(
  look: Look,
  texts: Texts,
): ReadonlyMap<string, (request: Request) => Promise<Response>> {
  const pending = (flow: string, data: unknown): Pending<InteractionData> => ({
    id: 'AbCdEfGhIjKlMnOpQrStUvWxYz012345',
    namespace,
    kind: flow,
    initiator: 'U0ALICE',
    createdAtMs: nowMs,
    expiresAtMs: nowMs + 540_000,
    status: 'pending',
    url: '/postern/connect/AbCdEfGhIjKlMnOpQrStUvWxYz012345',
    version: '1',
    resource: 'calendar.example',
    data: {
      flow,
      message: 'Connect your account at calendar.example',
      request: {
        resource: 'calendar.example',
        alias: 'work',
        scopes: ['calendar.read', 'offline_access'],
        reason: 'To find a time that suits everybody you meet.',
      },
      wanted: [],
      data,
    },
  });
  const pages = new Pages(look, texts, '/postern/inbox');
  const about = pages.about({
    asked: pending('x', {}).data!.request,
    initiator: 'U0ALICE',
    expiresAtMs: nowMs + 540_000,
    person: 'Alice Example',
    atMachine: false,
    clock: () => nowMs,
  });
  const visit = (request: Request, flow: string, data: unknown): FlowVisit =>
    ({
      request,
      pending: pending(flow, data),
      pages: about,
      clock: () => nowMs,
      pageUrl: '/postern/connect/AbCdEfGhIjKlMnOpQrStUvWxYz012345',
      rest: '',
      statusUrl: '/status',
      callbackUrl: '/postern/callback',
      isOwnNavigation: true,
      formToken: 'token',
      readForm: async () => new URLSearchParams(await request.text()),
    }) as Partial<FlowVisit> as FlowVisit;
  const consent = (more: object) => (request: Request) =>
    consentPage(visit(request, 'oauth_redirect', {}), {
      title: about.say('consent.title'),
      text: about.say('consent.redirect', { resource: 'calendar.example', host: 'issuer.example' }),
      host: 'issuer.example',
      ...more,
    });
  const http = createOAuthHttp({ [allowPrivateNetwork]: true });
  const codes = deviceCode({
    http,
    authorize: () => {
      throw new Error('not asked');
    },
  });
  const kept = {
    resource: 'https://mcp.calendar.example/mcp',
    scopes: [],
    obtainedAtMs: nowMs,
    renewable: true,
  };
  const account = { issuer: 'https://issuer.example', name: 'alice@example.com' };
  const inbox = (more: object) => () =>
    inboxPage(pages, {
      person: 'Alice Example',
      waiting: [],
      connections: [],
      notice: undefined,
      formToken: 'token',
      nowMs,
      ...more,
    });
  const codesOfFailures = Object.keys(errorCodes) as PosternErrorCode[];
  return new Map<string, (request: Request) => Promise<Response>>([
    ['form', (request) => form.visit(visit(request, 'secret_form', { tries: 0, forms: {} }))],
    [
      'form-wrong',
      () => {
        const body = new URLSearchParams({ 'form-action': 'save', host: '', port: 'x', password: 'p' });
        const sent = new Request('https://own.invalid/', { method: 'POST', body });
        return form.visit(visit(sent, 'secret_form', { tries: 0, forms: {} }));
      },
    ],
    [
      'form-exposed',
      () => form.visit(visit(new Request('https://own.invalid/?password=x'), 'secret_form', {})),
    ],
    ['device-code', (request) => codes.visit(visit(request, 'device_code', { device, intervalMs: 5_000 }))],
    ['consent', consent({})],
    ['consent-with-code', consent({ code: 'to be had' })],
    ['consent-by-code', consent({ redirects: false, code: device })],
    ['consent-both', consent({ code: device })],
    ['consent-code-failed', consent({ code: 'to be had', problem: { code: true } })],
    ...(['unreadable', 'too early', 'foreign', 'of another browser', 'used'] as const).map(
      (pasted) => [`pasted-${pasted.replaceAll(' ', '-')}`, consent({ problem: { pasted } })] as const,
    ),
    [
      'elicitation',
      (request) =>
        elicitation.visit(
          visit(request, 'elicitation', {
            server: 'payments',
            elicitations: [{ url: 'https://pay.example/approve/7', message: 'Approve the payment', id: '1' }],
          }),
        ),
    ],
    ['end-signed-in', () => pages.end({ kind: 'oauth_redirect', status: 'completed' })],
    ['end-done', () => pages.end({ kind: 'secret_form', status: 'completed', returnTo: '/threads/7' })],
    ['end-declined', () => pages.end({ status: 'cancelled', failure: 'ERR_POSTERN_AUTH_DENIED' })],
    ['end-expired', () => pages.end({ status: 'expired' })],
    ['already-done', () => pages.alreadyDone('ERR_POSTERN_AUTH_STATE_USED')],
    ['departure', (request) => pages.departure(`${new URL(request.url).origin}/gone`)],
    ['elsewhere', () => pages.elsewhere()],
    ['sign-in-again', () => pages.signInAgain('/sign-in/start')],
    [
      'owned',
      () =>
        ownedPage(pages, {
          formToken: 'token',
          openedAtMs: nowMs - 180_000,
          expiresAtMs: nowMs + 120_000,
          nowMs,
        }),
    ],
    ['owned-ended', () => pages.done(pages.say('owned.endedTitle'), pages.say('owned.endedText'))],
    ['missing', () => pages.missing()],
    ['broken', () => pages.broken()],
    ['inbox-empty', inbox({})],
    [
      'inbox',
      inbox({
        notice: pages.say('inbox.renamed'),
        waiting: [pending('oauth_redirect', {}), { ...pending('secret_form', {}), data: undefined }],
        connections: [
          { ...kept, alias: 'calendar', namespace, condition: 'good', account, label: 'Team calendar' },
          { ...kept, alias: 'default', namespace, condition: 'expiring', label: undefined },
          {
            ...kept,
            resource: 'db.example',
            alias: 'default',
            namespace,
            condition: 'over',
            label: undefined,
          },
        ],
      }),
    ],
    ['try-again', () => pages.failure('ERR_POSTERN_OAUTH_CLIENT_REJECTED', { retry: '/again' })],
    ...codesOfFailures.map((code) => [code, () => pages.failure(code)] as const),
  ]);
}
