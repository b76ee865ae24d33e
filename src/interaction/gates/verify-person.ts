import { PosternError } from '../../core/postern-error.ts';
import { alreadyRead } from '../../node/already-read.ts';
import type { Pending } from '../../pending/pending.ts';
import { within } from '../../sync/within.ts';
import { isResponse } from '../../web/is-response.ts';
import type { Person, VerifyUser } from '../../web/verify-user.ts';
import type { Verdict, Visitor } from './gate.ts';
import { publicRequest } from './public-request.ts';

/** How long the host has to say who is at the browser. */
const verifyMs = 10_000;
const maxNameLength = 200;

/**
 * Asks the host who is at the browser. The host may read the request's body, which is still there afterwards.
 *
 * @param baseUrl where our pages are for browsers: the host sees the request there, whatever is in front.
 *
 * @throws {PosternError} ERR_POSTERN_AUTH_UNVERIFIED when the host's check fails, or does not answer in time.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when it answers with what is no user's id, or the body was read
 * before.
 */
export async function whoIsAt(verifyUser: VerifyUser, request: Request, baseUrl?: string): Promise<Visitor> {
  if (request.bodyUsed) throw alreadyRead();
  const user = await askHost(verifyUser, request, baseUrl);
  if (isResponse(user)) return { is: 'answered', response: user };
  if (user === undefined || user === null || user === '') return { is: 'nobody' };
  const { id, name } = typeof user === 'object' ? (user as Partial<Person>) : { id: user };
  if (typeof id !== 'string' || id === '') {
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      `"verifyUser" answered with a ${typeof user}, not with a user's id`,
      { hint: 'Answer with text, with { id, name }, with undefined for nobody, or with a Response.' },
    );
  }
  const isNamed = typeof name === 'string' && name !== '';
  return { is: 'person', person: { id, ...(isNamed && { name: name.slice(0, maxNameLength) }) } };
}

/**
 * Compares who is at the browser with who must be.
 *
 * Asked also where there is no pending, so that an answer says nothing of whether there is one: somebody is a stranger then.
 *
 * @throws {PosternError} as {@link whoIsAt}.
 */
export async function verifyPerson(
  verifyUser: VerifyUser,
  request: Request,
  pending: Pick<Pending, 'initiator'> | undefined,
  baseUrl?: string,
): Promise<Verdict> {
  const visitor = await whoIsAt(verifyUser, request, baseUrl);
  if (visitor.is !== 'person') return visitor;
  const { id, name } = visitor.person;
  return id === pending?.initiator ? { is: 'initiator', person: name } : { is: 'stranger', person: id };
}

/** What it throws, unless that is an answer, is a failure of the host, not of the link. */
async function askHost(
  verifyUser: VerifyUser,
  request: Request,
  baseUrl: string | undefined,
): Promise<unknown> {
  try {
    const copy = baseUrl === undefined ? request.clone() : publicRequest(request.clone(), baseUrl);
    return await within(
      (async () => verifyUser(copy))().finally(() => letGo(copy)),
      verifyMs,
      () =>
        new PosternError('ERR_POSTERN_AUTH_UNVERIFIED', `"verifyUser" did not answer within ${verifyMs} ms`),
    );
  } catch (error) {
    if (isResponse(error)) return error;
    throw new PosternError('ERR_POSTERN_AUTH_UNVERIFIED', 'it could not be found out who is at the browser', {
      cause: error,
      hint: 'Try again in a moment.',
    });
  }
}

/** What of a copy's body nobody reads would be kept for it as long as the request lasts. */
function letGo({ body }: Request): void {
  if (body?.locked === false) void body.cancel().catch(() => {});
}
