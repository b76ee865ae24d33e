import {
  atprotoAgent,
  atprotoAppPassword,
  AtprotoNetwork,
  atprotoSignIn,
  loopbackApplication,
  readAccountName,
  type AtprotoApplication,
  type AtprotoCredential,
  type AtprotoFetch,
} from '../../src/atproto/index.ts';
import { allowPrivateNetwork, createOAuthHttp, type FetchLike } from '../../src/oauth/index.ts';
import { loginTool, type LoginTool, type Oob, type ToolContext } from '../../src/oob/index.ts';

/** Where the network is, if it is not the public one: for a network of one's own, or of a test. */
export interface AtprotoPlaces {
  /** Where people sign in who name no account. */
  readonly service?: string | undefined;
  readonly plcDirectoryUrl?: string | undefined;
  readonly handleResolver?: string | undefined;
  /** Whether it may be on this machine. */
  readonly isPrivate?: boolean | undefined;
  /** How requests are sent. Default: the global `fetch`. */
  readonly fetch?: FetchLike | undefined;
}

/** The two ways to log in, and requests as whoever is logged in. */
export interface AtprotoLogins {
  readonly login: LoginTool<AtprotoCredential>;
  readonly appPassword: LoginTool<AtprotoCredential>;
  /** An account by its name; without one, the default account. A person who is not logged in is asked. */
  readonly accountFor: (
    context: ToolContext,
    name: string | undefined,
  ) => Promise<{ readonly did: string; readonly call: AtprotoFetch }>;
}

export function openAtprotoLogins(
  oob: Oob,
  places: AtprotoPlaces,
  application: AtprotoApplication = loopbackApplication(),
): AtprotoLogins {
  const { service, plcDirectoryUrl, handleResolver, isPrivate = false, fetch } = places;
  const http = createOAuthHttp({ [allowPrivateNetwork]: isPrivate, maxBodyBytes: 8 * 1_048_576, fetch });
  const network = new AtprotoNetwork({ http, plcDirectoryUrl, handleResolver });
  const services = { network, application };
  const common = {
    resource: 'atproto',
    service: 'the AT Protocol network',
    handleDescription: 'Which account: a handle such as alice.bsky.social, or a DID.',
    normalizeHandle: readAccountName,
  };
  // Both lead to the same kind of credential, at the same places: a tool need not know which way an account came.
  const login = loginTool(oob, {
    ...common,
    flow: oob.flow('atproto', atprotoSignIn({ ...services, service })),
  });
  const appPassword = loginTool(oob, {
    ...common,
    name: 'login_with_app_password',
    description:
      'The second way to log in, for servers or browsers that the first does not work with: gives a link to a page where the person enters an app password. Never ask for a password here.',
    flow: oob.flow('atproto-app-password', atprotoAppPassword(services)),
  });
  return {
    login,
    appPassword,
    accountFor: async (context, name) => {
      const request = await login.accounts.request(context.principal, name);
      const { did } = await context.credential(request);
      const call = atprotoAgent(services, {
        find: () => context.credential(request),
        reject: (refused) => oob.credentials.reject(context.principal, request, refused),
      });
      return { did, call };
    },
  };
}
