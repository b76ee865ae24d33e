import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

/**
 * Which tests hold each report from the field, and each rule that these imply.
 *
 * A title may be that of a table of tests: it is then written as it stands in the source.
 */
const reports: Readonly<Record<string, readonly (readonly [file: string, ...titles: string[]])[]>> = {
  'R1: the authorization server has forgotten a client that registered itself': [
    [
      'test/heart/agent/forgotten-registration.test.ts',
      'refuses a refresh: the person is asked, as a client that the server knows (issue 8.32)',
      'redirects with unauthorized_client: the next link leads in (issue 8.32)',
      'shows a page of its own: who follows the same link once more gets in, and only one client is registered',
      'shows a page of its own: force starts over, and leads in (issue 8.32)',
      'refuses a revocation: after the logout, the next link leads in (issue 8.32)',
      'stays the operator’s error where the client was registered by hand',
    ],
  ],
  'R2: a refresh is refused for good, but not with invalid_grant': [
    [
      'test/field/r2-refresh-refused.test.ts',
      'has its person asked at once, and the grant stays: a refresh that works again needs nobody',
      '%s has its person asked within two minutes, and not at the first failure',
    ],
  ],
  'R3: registered scopes are taken as a limit': [
    [
      'test/field/r3-r4-registered-scopes.test.ts',
      'lets a person grant more later: the client registers anew for all of it',
      'serves two servers, and neither spoils the registration of the other',
    ],
  ],
  'R4: a registration is refused because of one scope in it': [
    ['test/field/r3-r4-registered-scopes.test.ts', 'a registration that is refused because of a scope in it'],
  ],
  'R5: a client metadata document that the authorization server cannot fetch': [
    [
      'test/field/r5-client-document.test.ts',
      'shows a page: who follows the same link once more goes out as a client that has registered itself',
      'is not named at all where its operator says that its host is private',
    ],
  ],
  'R6: repaired metadata is looked at': [
    [
      'test/field/r6-repaired-metadata.test.ts',
      'at the next call, after a registration that failed',
      'by the same link, after an authorization endpoint that was not there',
    ],
  ],
  'R7: an issuer that differs by one slash': [
    [
      'test/field/r7-one-slash.test.ts',
      'an issuer without a path, whose spellings differ by one slash',
      'is allowed by its operator, in JSON, up to the end of the flow, and the log says so',
    ],
  ],
  'R8: a resource_metadata that is no absolute URL': [
    ['test/field/r8-resource-metadata.test.ts', '%s leads to the well-known places, and in'],
  ],
  'R9: prompt=consent': [
    [
      'test/field/r9-consent-prompt.test.ts',
      'is sent along with offline_access to an OpenID provider, where it brings the refresh token',
      'is left out by a configuration that says so in JSON, and replaced by one that names another',
    ],
    ['test/field/r9-consent-prompt.test.ts', 'https://login.microsoftonline.com/common/v2.0'],
  ],
  'R10: a static credential is refused': [
    [
      'test/heart/agent/ways-back.test.ts',
      'is said to be that, at connect and in a call alike, and nobody speaks OAuth',
    ],
  ],
  'R11: a stdio server dies and says why on stderr': [
    [
      'test/faults/stdio.test.ts',
      'what a child process said before it ended is in the error, with its exit code, escaped and bounded',
      'a child process that dies in the midst of a call says how, and that the call may have been carried out',
    ],
  ],
  'R12: -32042 in the client, and a person who takes longer than the call’s time-out': [
    [
      'test/heart/agent/servers-that-ask.test.ts',
      'the call fails as one does that a sign-in is needed for, and can be parked (issue 8.23)',
      'session: the time does not run against the call (issue 8.23)',
      'modern: the time does not run against the call',
    ],
  ],
  'R13: a lease shorter than its request': [
    ['test/heart/agent/leases.test.ts', 'a lease that is shorter than what it guards'],
  ],
  'R14: the link of a resource or prompt handler': [
    [
      'test/heart/server/resources-and-prompts.test.ts',
      'is given when the person is done, who was shown the link, in the era %s (issue 8.24)',
      'is answered %s by an error that says the link in words (issue 8.24)',
    ],
  ],
  'rule 1: every reply is judged when it arrives': [
    [
      'test/field/rules.test.ts',
      '%s: refused there, with the other side named',
      'a refresh that answers with another person’s identity: refused, and the grant stays as it was',
    ],
  ],
  'rule 2: no state is a dead end': [
    [
      'test/field/rules.test.ts',
      '%s: when that is mended, the next call leads in',
      '%s: when that is mended, force leads in',
    ],
    [
      'test/heart/agent/ways-back.test.ts',
      'says so with its evidence, and by the way back that the table names it is CONNECTED',
    ],
    ['test/field/retry-after.test.ts', 'is asked at once by whoever starts over'],
  ],
  'rule 3: a credential’s own word about its end is believed': [
    [
      'test/field/rules.test.ts',
      'what has ended by its own account is renewed before anything is sent',
      'what is refused early is renewed once, for all processes, and nobody is asked',
    ],
    [
      'test/heart/agent/lifetimes.test.ts',
      'that is refused is replaced once, also by a process that did not obtain it, however young it is',
    ],
  ],
  'rule 4: a session that a server has lost is found out by whatever the server says': [
    [
      'test/heart/agent/lost-sessions.test.ts',
      'is opened anew, and the call, which was not processed, is sent once more',
      'and is lost again at once: that is an error, and no loop',
    ],
    [
      'test/heart/agent/protocol-versions.test.ts',
      'a server without sessions begins to refuse a version in the midst: the call goes through all the same',
    ],
  ],
  'rule 5: the server’s own reason reaches the operator': [
    [
      'test/field/rules.test.ts',
      'rule 5: the server’s own reason reaches the operator, in whatever phase, and nobody else',
    ],
  ],
  'rule 6: quirks are data': [
    ['test/providers/every-provider.test.ts', 'every provider with a profile has a fake'],
    [
      'test/providers/unknown.test.ts',
      '%s, has not ended the grant, and nothing of it is stored or repeated',
    ],
    [
      'test/providers/exceptions.test.ts',
      'are found by host for every server of a program, and JSON is all they need',
    ],
  ],
  'rule 7: an escape hatch carries to the end of its flow': [
    [
      'test/field/r7-one-slash.test.ts',
      'is allowed by its operator, in JSON, up to the end of the flow, and the log says so',
    ],
    [
      'test/providers/exceptions.test.ts',
      'holds for the refreshes and the logout of a process whose operator has not said it',
    ],
  ],
};

describe('a report from the field has its tests:', () => {
  test.each(Object.keys(reports))('%s', (report) => {
    const missing = reports[report]?.flatMap(([file, ...titles]) => {
      const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
      return titles.filter((title) => !source.includes(title));
    });
    expect(missing).toEqual([]);
  });
});
