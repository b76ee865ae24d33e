import {
  browserSignIn,
  type BrowserSignIn,
  type BrowserSignInOptions,
} from '../../src/browser-sign-in/index.ts';

/** What a person is called by this bot: the same whether they write to it, or sign in at a browser. Never changes. */
export function personOf(team: string, user: string): string {
  return `slack ${team} ${user}`;
}

/** “Sign in with Slack”, for the pages of sign-ins: whoever opens a link must be who was given it. */
export function signInWithSlack(
  options: Pick<
    BrowserSignInOptions,
    'clientId' | 'clientSecret' | 'publicUrl' | 'storage' | 'appearance' | 'profiles' | 'logger' | 'clock'
  > & { readonly issuer: string; readonly team: string },
): BrowserSignIn {
  const { team, ...rest } = options;
  return browserSignIn({
    ...rest,
    scopes: ['openid', 'profile'],
    // Who is in several workspaces is not asked which.
    authorizeParams: { team },
    idOf: (claims) => {
      const { 'https://slack.com/team_id': teamId, 'https://slack.com/user_id': userId } = claims;
      return typeof teamId === 'string' && typeof userId === 'string' ? personOf(teamId, userId) : '';
    },
  });
}
