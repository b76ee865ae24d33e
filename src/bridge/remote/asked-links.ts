import { isObject, resultText, errorText, rpcCodes, type MessageId } from '../../wire/message.ts';

/** A page of a server's that its person has to go to. */
export interface AskedLink {
  readonly url: string;
  readonly message: string;
}

/** What a host says that it can show, in either era. */
export interface HostAbilities {
  readonly url: boolean;
  readonly form: boolean;
  readonly sampling: boolean;
  readonly roots: boolean;
}

export function abilitiesIn(capabilities: Readonly<Record<string, unknown>>): HostAbilities {
  const { elicitation, sampling, roots } = capabilities;
  const asks = isObject(elicitation) ? elicitation : undefined;
  return {
    url: asks?.['url'] !== undefined,
    // Before there was another, a host said nothing more of it.
    form: asks !== undefined && (asks['form'] !== undefined || asks['url'] === undefined),
    sampling: sampling !== undefined,
    roots: roots !== undefined,
  };
}

/**
 * What a server is told that its client can do: what the host can, and being asked to show a link, which a bridge can do for
 * every host, in words.
 */
export function withLinks(
  capabilities: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { elicitation } = capabilities;
  const { form } = abilitiesIn(capabilities);
  const asks = isObject(elicitation) ? elicitation : {};
  return { ...capabilities, elicitation: { ...(form && { form: {} }), ...asks, url: asks['url'] ?? {} } };
}

/** The links in an error that says that its person has to go there first. */
export function linksOfError(data: unknown): AskedLink[] {
  const elicitations = isObject(data) ? data['elicitations'] : undefined;
  return Array.isArray(elicitations) ? elicitations.flatMap((each) => linkIn(each) ?? []).slice(0, 32) : [];
}

/** Whether a host takes a question of a server. */
export function canBeAsked(
  able: HostAbilities,
  {
    method,
    params,
  }: { readonly method: string; readonly params?: Readonly<Record<string, unknown>> | undefined },
): boolean {
  switch (method) {
    case 'elicitation/create':
      return params?.['mode'] === 'url' ? able.url && linkIn(params) !== undefined : able.form;
    case 'sampling/createMessage':
      return able.sampling;
    case 'roots/list':
      return able.roots;
    default:
      return false;
  }
}

/** The link in a question that asks for a person at a page; `undefined` where it asks for something else. */
export function linkIn(params: unknown): AskedLink | undefined {
  if (!isObject(params) || params['mode'] !== 'url') return undefined;
  const { url, message } = params;
  if (typeof url !== 'string' || !/^https?:\/\/[!-~]{1,8000}$/iu.test(url)) return undefined;
  return { url, message: typeof message === 'string' ? message.slice(0, 1_000) : 'Open the link' };
}

/** How a call ends whose person has to go to pages that their host cannot show. */
export function linksText(
  id: MessageId,
  server: string,
  links: readonly AskedLink[],
  method: string,
): string {
  const lines = links.map(({ url, message }) => `${message}: ${url}`);
  const text = `The server ${JSON.stringify(server)} needs the user to do something in a browser before this can go on. Show them the link, and when they are done, ask for the same again.\n${lines.join('\n')}`;
  if (method !== 'tools/call') return errorText(id, { code: rpcCodes.serverError, message: text });
  return resultText(id, { content: [{ type: 'text', text }], isError: true });
}
