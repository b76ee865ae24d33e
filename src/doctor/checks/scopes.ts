import { initialScopes, unionScopes } from '../../oauth/scopes.ts';
import type { AuthorizeOutcome } from '../authorize-outcome.ts';
import { probeAuthorize } from '../authorize-probe.ts';
import { defineCheck, type Check } from '../check.ts';
import { whyNoIssuer } from '../known.ts';
import { mcp, rfc } from '../specification.ts';
import type { Step } from '../step.ts';

type FindingId =
  | 'scopes.refused'
  | 'scopes.offline-access-refused'
  | 'scopes.registration-limits'
  | 'scopes.unknown-to-issuer'
  | 'scopes.offline-access-in-resource'
  | 'scopes.offline-access-unlisted';

const offline = 'offline_access';

export const scopes: Check = defineCheck<FindingId>({
  id: 'scopes',
  title: 'Scopes',
  asks: 'The scopes of challenge and metadata are looked at. Where the request before came back with invalid_scope, the same without offline_access, and without any; with `--register`, also with all scopes that the authorization server lists.',
  judges:
    'What the server names is known to the authorization server. `offline_access` is the authorization server’s to list, and not the resource’s.',
  specification: [mcp('Authorization', 'Scope Selection Strategy'), rfc(6749, '3.3')],
  findings: {
    'scopes.refused': {
      severity: 'problem',
      fixedBy: 'server',
      meaning: 'The authorization server refuses a scope that the server names.',
      fix: 'Name only scopes that the authorization server knows and gives to every client.',
      specification: rfc(6749, '4.1.2.1'),
    },
    'scopes.offline-access-refused': {
      severity: 'problem',
      fixedBy: 'issuer',
      meaning: 'The authorization server lists offline_access, and refuses it.',
      fix: 'Take it out of "scopes_supported", or allow it.',
      specification: rfc(6749, '4.1.2.1'),
    },
    'scopes.registration-limits': {
      severity: 'note',
      fixedBy: 'issuer',
      meaning:
        'A client may ask for no more than the scopes that it was registered with: to grant more later takes a new registration.',
      fix: 'Take the scopes of a registration for a default, and not for a limit.',
      specification: rfc(7591, '2'),
    },
    'scopes.unknown-to-issuer': {
      severity: 'note',
      fixedBy: 'issuer',
      meaning:
        'The server names scopes that the authorization server does not list. It may give them all the same.',
      fix: 'List them in "scopes_supported".',
      specification: rfc(8414, '2'),
    },
    'scopes.offline-access-in-resource': {
      severity: 'note',
      fixedBy: 'server',
      meaning:
        'The resource asks for offline_access, which concerns only the client and the authorization server.',
      fix: 'Leave it out of the challenge and of "scopes_supported" of the resource.',
      specification: mcp('Authorization', 'Refresh Tokens'),
    },
    'scopes.offline-access-unlisted': {
      severity: 'note',
      fixedBy: 'issuer',
      meaning:
        'offline_access is not listed: it is not asked for, and whether a refresh token comes is up to the authorization server.',
      fix: 'List it, where a refresh token comes only for it.',
      specification: mcp('Authorization', 'Refresh Tokens'),
    },
  },
  async run(step) {
    const { known, options } = step;
    const { discovery, profile } = known;
    if (discovery === undefined) return step.skip(whyNoIssuer(step.known));
    const wanted = known.scopes ?? initialScopes({ discovery, configured: options.auth?.scopes, profile });
    step.fact(
      `asked for ${wanted === undefined ? 'none: the authorization server decides' : step.redact(wanted.join(' '), 240)}`,
    );
    const named = unionScopes(discovery.challengedScopes, discovery.scopesSupported) ?? [];
    const listed = discovery.server.scopes_supported;
    if (named.includes(offline))
      step.find('scopes.offline-access-in-resource', {
        what: 'The challenge or the metadata of the resource names offline_access.',
      });
    const strangers =
      listed === undefined ? [] : named.filter((scope) => scope !== offline && !listed.includes(scope));
    if (strangers.length > 0) {
      step.find('scopes.unknown-to-issuer', {
        what: `The authorization server does not list ${step.redact(strangers.slice(0, 10).join(', '), 200)}.`,
      });
    }
    if (listed !== undefined && !listed.includes(offline) && !discovery.legacyEndpoints)
      step.find('scopes.offline-access-unlisted', {
        what: '"scopes_supported" of the authorization server is without it.',
      });
    await probeFurther(step, wanted);
  },
});

async function probeFurther(step: Step<FindingId>, wanted: readonly string[] | undefined): Promise<void> {
  const { known } = step;
  const { discovery, client, authorize } = known;
  if (discovery === undefined || client === undefined || authorize === undefined) return;
  const ask = (purpose: string, asked: readonly string[]): Promise<AuthorizeOutcome> =>
    probeAuthorize(step, { discovery, client }, { purpose, scopes: asked });
  if (isScopeError(authorize)) {
    const rest = wanted?.filter((scope) => scope !== offline) ?? [];
    if (wanted?.includes(offline) === true && !isScopeError(await ask('without offline_access', rest))) {
      return step.find('scopes.offline-access-refused', {
        what: 'The request comes back with invalid_scope; without offline_access it does not.',
        meanwhile: 'Leave it out. A sign-in is then offered whenever a token has ended.',
        configure: { auth: { type: 'oauth', profile: { omitOfflineAccess: true } } },
      });
    }
    const none = await ask('without scopes', []);
    return step.find('scopes.refused', {
      what: `The request comes back with invalid_scope${isScopeError(none) ? ', and without scopes, too' : '; without scopes it does not'}.`,
      meanwhile: 'Name the scopes that are good there.',
      configure: { auth: { type: 'oauth', scopes: isScopeError(none) ? ['the-right-scope'] : [] } },
    });
  }
  const all = unionScopes(
    wanted,
    discovery.server.scopes_supported?.filter((scope) => scope !== offline && scope !== 'openid'),
  );
  if (known.isFresh !== true || all === undefined || all.length === (wanted?.length ?? 0)) return;
  if (isScopeError(await ask('with all scopes that are listed', all)))
    step.find('scopes.registration-limits', {
      what: 'The request comes back with invalid_scope when it asks for scopes that are listed and were not registered.',
      meanwhile: 'Nothing: the client registers anew when more is wanted.',
    });
}

function isScopeError(outcome: AuthorizeOutcome): boolean {
  return outcome.kind === 'error' && outcome.error === 'invalid_scope';
}
