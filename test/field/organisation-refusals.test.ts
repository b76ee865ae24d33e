import { describe, expect, test } from 'vitest';
import { isOrganisationRefusal } from '../../src/oauth/organisation-refusals.ts';
import { codeOn } from '../support/stage.ts';
import { faces } from './two-faces.ts';

/**
 * What providers answer when an organisation's policy keeps a person out. Entra: learn.microsoft.com, "Microsoft Entra
 * authentication and authorization error codes". Google: support.google.com/accounts/answer/16668185. Okta:
 * support.okta.com, "Policy evaluation failed", and community.auth0.com/t/186794.
 */
const byOrganisation: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'Entra, an administrator has to consent (AADSTS90094)': {
    error: 'access_denied',
    error_description:
      'AADSTS90094: An administrator of Contoso has set a policy. Trace ID: 1 Timestamp: 2026-01-09',
  },
  'Entra, approval was asked for (AADSTS90095)': {
    error: 'consent_required',
    error_description:
      'AADSTS90095: Admin consent is required for the permissions requested by this application.',
  },
  'Entra, nobody has consented for the tenant (AADSTS650056)': {
    error: 'invalid_client',
    error_description: 'AADSTS650056: Misconfigured application.',
  },
  'Entra, the person is not assigned (AADSTS50105)': {
    error: 'access_denied',
    error_description: 'AADSTS50105: Your administrator has configured the application to block users.',
  },
  'Entra, Conditional Access (AADSTS53003)': {
    error: 'interaction_required',
    error_description: 'AADSTS53003: Access has been blocked by Conditional Access policies.',
  },
  'Google, the administrator’s policy': { error: 'admin_policy_enforced' },
  'Google, an application of one organisation': { error: 'access_denied', error_subtype: 'org_internal' },
  'Okta, not assigned': {
    error: 'access_denied',
    error_description: 'User is not assigned to the client application.',
  },
  'Okta, no policy fits': {
    error: 'access_denied',
    error_description: 'Policy evaluation failed for this request, please check the policy configurations.',
  },
};

const byPerson: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'Entra, the person declined (AADSTS65004)': {
    error: 'access_denied',
    error_subcode: 'cancel',
    error_description: 'AADSTS65004: User declined to consent to access the app.',
  },
  'anybody, without a code': { error: 'access_denied' },
  'anybody, in words that name an administrator': {
    error: 'access_denied',
    error_description: 'The user has denied access. Ask your administrator about AADSTS codes.',
  },
};

describe.each(Object.keys(faces))('at the callback of the %s’s face', (face) => {
  test.each(Object.keys(byOrganisation))(
    'the organisation’s refusal is not "you declined": %s; the next call asks at once',
    async (kind) => {
      const waiting = await faces[face]!();
      const page = await waiting.refuse(byOrganisation[kind]!);
      expect([page.status, codeOn(page)]).toEqual([403, 'ERR_POSTERN_AUTH_REFUSED_BY_ORGANISATION']);
      expect(page.html).toContain('Ask its administrator');
      expect(page.html).not.toContain('You declined');
      expect(await waiting.told()).toBe('ERR_POSTERN_AUTH_REFUSED_BY_ORGANISATION');
      // Nobody declined: no cooldown keeps the next one from being asked, when the administrator has acted.
      expect(await waiting.next()).toMatch(/_REQUIRED$/u);
    },
  );

  test.each(Object.keys(byPerson))('the person’s refusal stays one: %s', async (kind) => {
    const waiting = await faces[face]!();
    const page = await waiting.refuse(byPerson[kind]!);
    expect([page.status, codeOn(page)]).toEqual([403, 'ERR_POSTERN_AUTH_DENIED']);
    expect(await waiting.told()).toBe('ERR_POSTERN_AUTH_DENIED');
    expect(await waiting.next()).toBe('ERR_POSTERN_AUTH_DENIED');
  });
});

describe('what tells an organisation’s refusal', () => {
  test('stands in any field a provider puts codes in, numbers of a JSON reply among them', () => {
    expect(isOrganisationRefusal({ error: 'invalid_grant', error_codes: [53003], suberror: 'x' })).toBe(true);
    expect(isOrganisationRefusal({ error: 'access_denied', suberror: 'admin_policy_enforced' })).toBe(true);
    expect(isOrganisationRefusal({ error: 'invalid_grant', error_codes: [70008] })).toBe(false);
  });

  test('may be added by a profile: a code, or a whole description where the provider has no codes', () => {
    const profile = { organisationErrors: ['E4711', 'Ask the Keeper of the Keys.'] };
    expect(isOrganisationRefusal({ error: 'access_denied', error_code: 'E4711' }, profile)).toBe(true);
    expect(
      isOrganisationRefusal(
        { error: 'access_denied', error_description: 'Ask the keeper of the  keys' },
        profile,
      ),
    ).toBe(true);
    expect(
      isOrganisationRefusal(
        { error: 'access_denied', error_description: 'Do not ask the keeper of the keys' },
        profile,
      ),
    ).toBe(false);
    expect(isOrganisationRefusal({ error: 'access_denied', error_code: 'E4712' }, profile)).toBe(false);
  });

  test('is looked for in time that grows with the text, whatever the text is', () => {
    const startedAt = performance.now();
    isOrganisationRefusal({ error: 'access_denied', error_description: 'AADSTS'.repeat(1_000_000) });
    isOrganisationRefusal({ error: 'access_denied', error_description: ' \n'.repeat(1_000_000) });
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});
