import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

/**
 * Which tests hold parts A, J and K of the catalogue of attacks and faults, by the numbers of its rows.
 *
 * A title may be that of a table of tests: it is then written as it stands in the source.
 */
const catalogue: Readonly<Record<string, readonly (readonly [file: string, title: string])[]>> = {
  'A1: a callback without a state': [
    ['test/faults/callback.test.ts', 'one that %s is refused, and the sign-in then ends well'],
    ['test/oob/consent.test.ts', 'that comes back with %s changes nothing'],
  ],
  'A2: a callback with an unknown state': [
    ['test/faults/callback.test.ts', 'one that %s is refused, and the sign-in then ends well'],
    [
      'test/heart/server/strangers.test.ts',
      'is answered the same for a callback of a live link and for one that nobody waits for (issue 8.7)',
    ],
  ],
  'A5: a callback twice': [
    [
      'test/faults/callback.test.ts',
      'the second callback with the same state is told that it is already done',
    ],
  ],
  'A6: a callback fifty times at once, in two processes': [
    [
      'test/faults/processes.test.ts',
      'fifty callbacks with one state, in two processes, make one exchange and one success',
    ],
    [
      'test/oob/consent.test.ts',
      'that came back fifty times at once is exchanged once, and every request is told how it ended',
    ],
  ],
  'A7: a person who declines': [
    [
      'test/faults/callback.test.ts',
      'a declined consent cancels the sign-in, and the person is not asked again for a minute',
    ],
    [
      'test/oob/consent.test.ts',
      'that was denied there ends every waiter, and repeats neither what could be a secret nor markup',
    ],
  ],
  'A8: markup in an error': [
    ['test/faults/callback.test.ts', 'an error with %s in it is neither shown nor logged'],
    [
      'test/heart/server/hostile-requests.test.ts',
      'with %s in any of its parameters repeats nothing of it, anywhere',
    ],
    [
      'test/properties/parsers/callback.ts',
      'a request of a stranger to the pages is answered with a short page that holds nothing of it',
    ],
  ],
  'A10: an issuer that was promised and is missing': [
    ['test/faults/callback.test.ts', 'an answer from %s is refused, and its code is not sent anywhere'],
    ['test/faults/callback.test.ts', 'no issuer, although the server always names itself'],
  ],
  'A12: two authorization servers that are mixed up': [
    [
      'test/hardening/wire.test.ts',
      'that are mixed up: the code of one goes neither to it nor to the other, and its words are not shown',
    ],
    ['test/oob/consent.test.ts', '%s is refused, its code sent nowhere, and its error not shown'],
  ],
  'A14: the process that began has died': [
    [
      'test/faults/processes.test.ts',
      'a sign-in that a process began ends well after that process was killed, and wakes whoever waits in a third',
    ],
    [
      'test/oob/processes.test.ts',
      'a form that one process has asked for is served and finished after that process was killed',
    ],
  ],
  'A15: the state of one with the browser of another': [
    ['test/faults/callback.test.ts', 'the callback of one sign-in does not end another'],
    [
      'test/faults/callback.test.ts',
      'the right state from another browser is refused, and the sign-in then ends well',
    ],
    [
      'test/oob/consent.test.ts',
      'that came back to another browser is refused, even with the same user, and can still be finished in the first',
    ],
  ],
  'A19: a browser that goes away': [
    ['test/faults/callback.test.ts', 'a browser that goes away after its callback does not stop the sign-in'],
  ],
  'A20: another Host': [
    ['test/faults/person.test.ts', 'the Host header decides neither links nor where the code goes'],
    ['test/heart/agent/loopback.test.ts', 'a request with two Host headers is refused (issue 8.8)'],
    [
      'test/faults/local.test.ts',
      'a page of another site that points its name at this machine is turned away',
    ],
  ],
  'J113: everything that is printed, logged, shown or thrown': [
    [
      'test/faults/secrets.test.ts',
      'in a whole day of sign-ins and failures no secret is in a log, an error, a page, an address or the store',
    ],
    [
      'test/secrets/watch.test.ts',
      'a test that lets a secret out fails, by whatever way, and the run with it',
    ],
    ['test/secrets/canaries.test.ts', 'a secret is found in a text'],
  ],
  'J114: an authorization server that repeats what it was sent': [
    ['test/faults/token-reply.test.ts', 'that repeats the code and the verifier shows them to nobody'],
    [
      'test/properties/parsers/tokens.ts',
      'the reply to a code gives a grant that can be stored and sent, or a typed error, after one request',
    ],
  ],
  'J115: a namespace that would write lines of a log': [
    [
      'test/faults/secrets.test.ts',
      'an id with line breaks and escape sequences stays one line of the log’s values',
    ],
  ],
  'J116: argument lists, and modes of files': [
    ['test/secrets/leaks.fixture.ts', 'leaks in an argument list'],
    [
      'src/storage/sqlite/sqlite.test.ts',
      'database, log and index of the log are for their owner only, whatever the umask',
    ],
    [
      'src/storage/sqlite/sqlite.test.ts',
      'nothing in its directory holds a value in the clear, and all of it is for the owner only',
    ],
  ],
  'K117: addresses that lead inward': [
    ['test/hardening/forbidden-addresses.test.ts', 'in %s, goes nowhere: nobody is connected to'],
    ['test/hardening/forbidden-addresses.test.ts', 'shows no device page there, and asks nobody'],
    [
      'test/properties/parsers/urls.ts',
      'a link that a server asks a person to open is on our page only when it is public and https, and brings no markup',
    ],
  ],
  'K119: redirects': [
    ['test/hardening/wire.test.ts', 'of the token endpoint by %i brings neither code nor secret elsewhere'],
    ['test/hardening/wire.test.ts', 'of metadata twenty times over is followed three times'],
    ['src/oauth/oauth-http.test.ts', 'a document that redirects to %s is not followed there'],
    [
      'test/properties/parsers/metadata.ts',
      'a document that is redirected is fetched from public https addresses, four at most',
    ],
  ],
  'K120: a token on a redirect': [
    ['test/hardening/wire.test.ts', 'of a call by %i to another origin brings no token there'],
  ],
  'K122: metadata that is gone at a refresh': [
    [
      'test/hardening/wire.test.ts',
      'while metadata %s goes to the endpoint that issued the grant, and to no other',
    ],
  ],
  'K123: metadata of every wrong kind': [
    ['test/faults/metadata.test.ts', 'that %s fails the sign-in within its deadline'],
    ['test/faults/metadata.test.ts', 'that %s is not followed'],
    ['test/faults/metadata.test.ts', 'that does not promise PKCE is refused before anybody gets a link'],
    ['test/hardening/bounded-replies.test.ts', 'to %s no more than a mebibyte is read, and the rest refused'],
    [
      'test/hardening/bounded-replies.test.ts',
      'of %s is given up at a depth of 64, before anything is parsed',
    ],
    [
      'test/properties/parsers/metadata.ts',
      'metadata of a server and of its issuer lead to public https addresses, or to a typed error',
    ],
  ],
  'K126: a refresh without a new refresh token': [
    ['test/faults/refresh.test.ts', 'a reply without a new refresh token keeps the old one'],
  ],
  'K127: a fresh token that is refused for ever': [
    [
      'test/faults/refresh.test.ts',
      'a token just issued that is refused is tried at most twice, and nobody is asked again',
    ],
    [
      'test/faults/refresh.test.ts',
      'rejected for ever, it is refreshed once, and then the session says so and stops',
    ],
  ],
  'K128: Retry-After': [
    ['test/properties/parsers/challenge.ts', 'a Retry-After is nothing, or between no time and an hour'],
    [
      'test/faults/refresh.test.ts',
      'because it %s ends its callers within the deadline, costs one request, and leaves the grant',
    ],
  ],
  'K129: a wire that breaks': [
    ['test/faults/token-reply.test.ts', 'that %s leaves the link good, and the second try ends well'],
    [
      'test/hardening/wire.test.ts',
      'to a server whose TLS is none is not repeated, and says that it was unreachable',
    ],
    ['src/oauth/grant.test.ts', 'is sent once, whatever goes wrong'],
  ],
  'K130: DPoP': [
    ['src/oauth/grant.test.ts', 'are not asked for a third time'],
    [
      'test/hardening/bounded-replies.test.ts',
      'whose proof is refused because the clocks differ is sent once, and the error says why',
    ],
  ],
  'K132: challenges that cost time': [
    [
      'test/properties/parsers/challenge.ts',
      'a challenge is read in steps that grow with its length, to the same end each time',
    ],
    ['test/faults/metadata.test.ts', 'a challenge among 12 kB of others is found'],
  ],
};

describe('a row of the catalogue has its tests:', () => {
  test.each(Object.keys(catalogue))('%s', (row) => {
    const missing = catalogue[row]?.filter(([file, title]) => {
      const path = new URL(`../../${file}`, import.meta.url);
      return !readFileSync(path, 'utf8').includes(title);
    });
    expect(missing).toEqual([]);
  });
});
