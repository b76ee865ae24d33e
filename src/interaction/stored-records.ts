import type { StoredRecord } from '../storage/stored-record.ts';

/** What this layer keeps. */
export const storedRecords: readonly StoredRecord[] = [
  {
    key: '‹namespace›:credential:‹resource›:‹alias›',
    holds:
      '`{ kind: "oauth_grant", flow?, scopes, obtainedAtMs, renewedAtMs?, learnedLifetimeMs?, refused?, credential: { accessToken, refreshToken, expiresAtMs, issuer, tokenEndpoint, client, resource, profile, privateNetwork?, … } }`; once it has ended `{ kind, scopes, ended: true, account?, credential: null }`. A session on the AT Protocol network is of the kind `atproto_session`: `{ method: "oauth", did, handle?, pdsUrl, issuer, clientId, scopes, issuedAtMs, expiresAtMs?, session: { tokenSet, dpopJwk, authMethod } }`, or `{ method: "app-password", did, handle?, pdsUrl, accessJwt, refreshJwt, … }`. An agent’s resource is the address of the server, its alias the server’s name, followed by U+001F and the account’s alias where that is another than `default`',
    lives: 'until forgotten',
  },
  {
    key: '‹namespace›:retired:‹resource›:‹alias›:‹version›',
    holds: 'a credential that was forgotten, until its issuer has confirmed that it is dead',
    lives: 'at most a day',
  },
  {
    key: '‹namespace›:forgotten:‹resource›:‹alias›',
    holds: '`{ forgottenAtMs }`: nothing that was begun before is kept there any more',
    lives: '25 hours',
  },
  {
    key: 'app:retired:‹partition›:‹resource›:‹alias›:‹version›',
    holds: '`{ retiredAtMs }`: where any process finds what a crash has kept from being revoked',
    lives: 'as what it points to',
  },
  {
    key: '‹namespace›:label:‹resource›:‹alias›',
    holds: '`{ label }`: what its person calls it',
    lives: 'until the credential is disconnected',
  },
  {
    key: 'person:‹hash of who is asked›:‹partition›',
    holds: '`{}`: a namespace that somebody is asked for, where it is not named after them',
    lives: 'for ever',
  },
  {
    key: '‹namespace›:asking:‹resource›:‹alias›',
    holds: '`{ holder }`: who begins an interaction, so that there is one',
    lives: '15 s unless renewed',
  },
  {
    key: '‹namespace›:renewing:‹resource›:‹alias›',
    holds: '`{ holder }`: who renews, or obtains for a machine',
    lives: '30 s, or released',
  },
  {
    key: '‹namespace›:renewal-failed:‹resource›:‹alias›',
    holds:
      '`{ reason: "ERR_POSTERN_OAUTH_REQUEST_FAILED", status?, error?, hint?, retryAfterMs?, obtainedAtMs, count, firstAtMs, lastAtMs, isLifted? }`: how renewing has failed; for 2 s (what passes), 30 s (what somebody has to put right), or as long as the issuer asks, repeated and not tried; counted until it succeeds',
    lives: 'a day after a failed renewal',
  },
  {
    key: '‹namespace›:declined:‹resource›:‹alias›',
    holds: '`{ reason: "ERR_POSTERN_AUTH_DENIED", scopes }`: what its person said no to',
    lives: '60 s, or until something about the credential changes',
  },
  {
    key: '‹namespace›:watch:‹hash of pending id›',
    holds: '`{ holder }`: who polls for a device code',
    lives: '15 s unless renewed',
  },
  {
    key: '‹namespace›:attempt:‹hash of state›',
    holds:
      '`{ pendingId, browser: "‹hash of the cookie›", status: "open", scopes, data: { codeVerifier, issuer, tokenEndpoint, redirectUri, client, profile, privateNetwork?, … } }`, on the AT Protocol network `data: { clientId, state: { key, value: { iss, verifier, dpopJwk, authMethod } } }`; after use without `data`',
    lives: 'a day longer than its pending',
  },
  {
    key: '‹namespace›:attempts:‹hash of pending id›',
    holds:
      '`{ count, latest: "‹hash of state›" }`: how often the link was gone out for, and as which attempt a browser went last',
    lives: 'a day longer than its pending',
  },
  {
    key: '‹namespace›:ending-form:‹hash of pending id›',
    holds:
      '`{ form }`: a hash of the form that ended it, with its token: sent again, it is told how that ended',
    lives: 'a day longer than its pending',
  },
  {
    key: '‹namespace›:link-owner:‹hash of pending id›',
    holds: 'the hash of the first browser’s cookie, and when it came, where links lead to this machine',
    lives: 'as the link',
  },
  {
    key: 'app:live-interaction:‹when it began›:‹hash of pending id›',
    holds: '`{ id, partition }`: where processes whose subscribers hear of everything find what lives',
    lives: 'a minute longer than its pending',
  },
  {
    key: 'app:registration:‹hash of issuer and redirect URI›',
    holds:
      '`{ issuer, clientId, clientSecret?, tokenEndpointAuthMethod, source: "dynamic", redirectUris, registeredScopes?, registeredAtMs }`',
    lives: 'until the secret expires, or the issuer has forgotten the client',
  },
  {
    key: 'app:discovery:‹hash of server›:‹hash of what else it depends on›',
    holds:
      '`{ discovery: { resource, resourceMetadata?, issuer, server, … }, endsAtMs }`: how a server is authorized for, as its metadata and its issuer’s said, for processes that have just started',
    lives: '10 minutes, or until a token is refused, a sign-in fails or somebody starts over',
  },
  {
    key: 'app:document-refused:‹hash of issuer and document›',
    holds:
      '`{ refusedAtMs }`: an issuer could not use the client metadata document, so the client registers itself',
    lives: 'a day',
  },
  {
    key: 'app:client-issuer:‹hash of server and client id›',
    holds: '`{ issuer }`: the one issuer that a client which was registered by hand is used with',
    lives: 'for ever; replaced when the operator names another issuer',
  },
  {
    key: 'app:registration:lease:‹issuer›',
    holds: '`{ holder }`: who registers',
    lives: '30 s, or released',
  },
  {
    key: 'app:machine:‹hash of host name›:gate',
    holds: '`{ port }`: the port of this machine’s links, so that its registration can be used again',
    lives: 'for ever',
  },
  {
    key: 'app:machine:‹hash of host name›:key',
    holds: '32 random bytes, by which the processes of one store know each other',
    lives: 'for ever',
  },
  {
    key: 'app:machine:‹hash of host name›:live:‹hash of pending id›',
    holds: 'nothing: a link of this machine lives',
    lives: 'as the link',
  },
];
