import type { OAuthTokens } from '@modelcontextprotocol/client';
import type { Script } from '../script.ts';

/** A question that somebody asks an agent, in a conversation. Its script names the calendar's tools as the calendar does. */
export interface Ask {
  readonly user: string;
  /** The conversation, as the host of a chat names it. */
  readonly thread: string;
  readonly script: Script;
}

/** What a player's process is given. */
export interface Surroundings {
  /** What is kept on a disk: of each user who has signed in beforehand there is `<user>.json`. */
  readonly directory: string;
  readonly calendarUrl: string;
  /** Where the pages of a host are. */
  readonly publicUrl: string;
  /** The stand-in for Auth0's tenant. */
  readonly tenantUrl: string;
}

/** What is kept of a user's sign-in, in the words of the SDK of MCP. */
export interface KeptSignIn {
  readonly client_id: string;
  readonly tokens?: OAuthTokens | undefined;
  /** Whose tokens these are, as the AI SDK has it kept beside them. */
  readonly server: {
    readonly issuer: string;
    readonly authorizationServerUrl: string;
    readonly tokenEndpoint: string;
  };
}

/** What is answered where somebody has to sign in first. */
export const itWaits = 'it waits';

/** One host of an agent: a framework with what gives it the tools of MCP, and a model that does as its question says. */
export interface Player {
  /** Goes with a question to its end: what the model was told by its tools, or {@link itWaits}. */
  answer(ask: Ask): Promise<string>;
  /** Goes with a question until it pauses: what its host keeps of it. */
  pause(ask: Ask): Promise<string>;
  /** Goes on with what was kept, as the framework wants it to be done. */
  goOn(ask: Ask, kept: string): Promise<unknown>;
  /** Goes on as {@link goOn} does, but by somebody who posts what the framework takes for a yes. Default: there is no difference. */
  forge?(ask: Ask, kept: string): Promise<unknown>;
  /** The link by which a user signs in, the latest. */
  linkOf?(user: string): Promise<string>;
  /** Answers that were given to paused questions without a call of {@link goOn}. */
  readonly answered?: () => number;
  /** Serves a host's pages. */
  readonly pages?: (request: Request) => Promise<Response>;
}
