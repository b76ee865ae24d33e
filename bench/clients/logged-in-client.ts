/** A client of any make that has a grant, as the probes use it. */
export interface LoggedInClient extends AsyncDisposable {
  /** Calls the tool. Rejects as the client does. */
  call(): Promise<unknown>;
  /** The logins a person has been asked for since the first, each once. */
  loginsAsked(): readonly string[];
}

export const clientInfo = { name: 'bench', version: '1' };

/** Where callbacks of the peers would arrive; nobody listens there, the probes hand callbacks over themselves. */
export const peerRedirectUrl = 'http://127.0.0.1:9/callback';

export const echoCall = { name: 'echo', arguments: { text: 'hello' } };
