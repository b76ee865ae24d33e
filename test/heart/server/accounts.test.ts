import { expect, test } from 'vitest';
import { oauthRedirect, type NamedFlow, type OAuthCredential } from '../../../src/oob/index.ts';
import { openFlowStage, planFor, type FlowStage } from '../../support/flow-stage.ts';
import { codeOn } from '../../support/stage.ts';
import { walkToCallback } from '../walk.ts';

const resource = 'calendar.example';

/** A third party that says who its people are, and what it was asked for by alias. */
async function openConsents(): Promise<{
  stage: FlowStage;
  flow: NamedFlow<OAuthCredential>;
  asked: string[];
  consent: (alias: string, as: string) => Promise<{ status: number; code: string | undefined }>;
  holder: (alias: string) => Promise<string | undefined>;
}> {
  const stage = await openFlowStage({ as: { claims: (subject) => ({ email: `${subject}.example` }) } });
  const asked: string[] = [];
  const flow = stage.oob.flow(
    'consent',
    oauthRedirect({
      http: stage.http,
      authorize: ({ alias, redirectUri }) => {
        asked.push(alias);
        return { ...planFor(stage.as, redirectUri), scopes: ['openid'] };
      },
    }),
  );
  const principal = await stage.principal('alice');
  return {
    stage,
    flow,
    asked,
    consent: async (alias, as) => {
      const { url } = await stage.linkOf('alice', flow, { resource, alias });
      stage.as.approveAs(as);
      const browser = await stage.host.openBrowser('alice');
      const page = await browser.open((await walkToCallback(browser, url)).href);
      return { status: page.status, code: codeOn(page) };
    },
    holder: async (alias) => {
      const held = await stage.oob.credentials.find(principal, { resource, alias, flow });
      return held && stage.as.tokens.familyOf(held.accessToken)?.subject;
    },
  };
}

test('two accounts of one caller at a third party are kept apart, and listed with whose they are', async () => {
  const { stage, asked, consent, holder } = await openConsents();
  expect((await consent('home', 'al@home')).status).toBe(200);
  expect(await holder('work')).toBeUndefined();
  expect((await consent('work', 'al@work')).status).toBe(200);
  expect([await holder('home'), await holder('work'), await holder('other')]).toEqual([
    'al@home',
    'al@work',
    undefined,
  ]);
  expect(new Set(asked)).toEqual(new Set(['home', 'work']));
  const principal = await stage.principal('alice');
  const kept = await stage.oob.credentials.list(principal);
  expect(kept.map(({ alias, account, condition }) => [alias, account?.name, condition])).toEqual([
    ['home', 'al@home.example', 'good'],
    ['work', 'al@work.example', 'good'],
  ]);
  await stage.oob.credentials.forget(principal, resource, 'home');
  expect([await holder('home'), await holder('work')]).toEqual([undefined, 'al@work']);
});

test('the same account under two aliases is said in the log, and where accounts are listed', async () => {
  const { stage, consent } = await openConsents();
  await consent('home', 'al@home');
  await consent('work', 'al@home');
  const warnings = stage.logger.lines.filter((line) => line.includes('under several aliases'));
  expect(warnings.map((line) => line.includes('"work, home"'))).toEqual([true]);
  const kept = await stage.oob.credentials.list(await stage.principal('alice'));
  expect(kept.map(({ alias, sameAccountAs }) => [alias, sameAccountAs])).toEqual([
    ['home', ['work']],
    ['work', ['home']],
  ]);
});

test('whose grant has ended is expected again, and nobody else is taken for them', async () => {
  const { stage, flow, consent, holder } = await openConsents();
  await consent('work', 'al@work');
  stage.as.tokens.revokeAll();
  const request = { resource, alias: 'work', flow };
  const principal = await stage.principal('alice');
  const held = await stage.oob.credentials.find(principal, request);
  await stage.oob.credentials.reject(principal, request, held!);
  expect(await consent('work', 'bo@work')).toEqual({ status: 403, code: 'ERR_POSTERN_AUTH_WRONG_USER' });
  expect(stage.as.tokens.families.at(-1)?.revoked).toBe(true);
  expect((await consent('work', 'al@work')).status).toBe(200);
  expect(await holder('work')).toBe('al@work');
  const hints = stage.as.calls
    .filter(({ kind }) => kind === 'authorize')
    .map(({ url }) => url.searchParams.get('login_hint'));
  expect(hints).toEqual([null, 'al@work.example', 'al@work.example']);
});
