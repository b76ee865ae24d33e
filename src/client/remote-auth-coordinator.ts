import { PosternError } from '../core/postern-error.ts';
import type { Pending } from '../pending/pending.ts';
import { AuthCoordinator, type AuthCoordinatorOptions } from './auth-coordinator.ts';
import { checkPublicUrl } from '../web/public-url.ts';
import type { VerifyUser } from '../web/verify-user.ts';
import type { SignIn } from './completion.ts';
import { failurePage } from './sign-in-pages.ts';

/** As an option: let whoever holds a link finish it. Anybody can then connect their account to somebody else's context. */
export const skipUserVerification: unique symbol = Symbol('skipUserVerification');

export interface RemoteAuthCoordinatorOptions extends AuthCoordinatorOptions {
  /** Where `fetch` is reachable for browsers, path included: `https://bot.example/postern`. */
  readonly publicUrl: string;
  /** The host's own session check. Required, unless {@link skipUserVerification} says otherwise. */
  readonly verifyUser?: VerifyUser | undefined;
  /** Serves this client's metadata document (CIMD) below `publicUrl`, under this name. Needs https. */
  readonly clientName?: string | undefined;
  /** Dangerous. See {@link skipUserVerification}. */
  readonly [skipUserVerification]?: boolean | undefined;
}

/**
 * For web applications and functions: callbacks arrive as requests, in any process. Never blocks.
 *
 * Mount `fetch` at `publicUrl`.
 */
export class RemoteAuthCoordinator extends AuthCoordinator {
  readonly #publicUrl: string;
  readonly #verifyUser: VerifyUser | undefined;
  readonly #clientName: string;

  /** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED without `verifyUser`, or with a `publicUrl` browsers must not be sent to. */
  constructor(options: RemoteAuthCoordinatorOptions) {
    super(options);
    this.#publicUrl = checkPublicUrl(options.publicUrl);
    this.#verifyUser = options.verifyUser;
    this.#clientName = options.clientName ?? 'Postern';
    if (options.verifyUser === undefined && options[skipUserVerification] !== true) {
      throw new PosternError(
        'ERR_POSTERN_CONFIG_MISCONFIGURED',
        'a RemoteAuthCoordinator needs "verifyUser"',
        {
          hint: 'Pass a function that tells from a request who is signed in to your application.',
        },
      );
    }
  }

  protected override get baseUrl(): string {
    return this.#publicUrl;
  }

  protected override get answersInPlace(): boolean {
    return false;
  }

  override redirectUri(): Promise<string> {
    return Promise.resolve(this.callbackUrl);
  }

  override get clientMetadataUrl(): string | undefined {
    return this.#publicUrl.startsWith('https:') ? `${this.#publicUrl}/client-metadata.json` : undefined;
  }

  protected override async answer(request: Request): Promise<Response> {
    const metadataUrl = this.clientMetadataUrl;
    if (metadataUrl === undefined || !new URL(request.url).pathname.endsWith('/client-metadata.json')) {
      return super.answer(request);
    }
    const { clientMetadataDocument } = await import('../oauth/client-metadata.ts');
    const document = clientMetadataDocument({
      url: metadataUrl,
      metadata: { clientName: this.#clientName },
      redirectUris: [this.callbackUrl],
    });
    return Response.json(document, { headers: { 'cache-control': 'public, max-age=3600' } });
  }

  /** The host shows the link: it is in the error, and in `getAuthChallenges()`. */
  override present(): Promise<void> {
    return Promise.resolve();
  }

  protected override async verify(request: Request, pending: Pending<SignIn>): Promise<Response | undefined> {
    if (this.#verifyUser === undefined) return undefined;
    const user = await this.#verifyUser(request);
    if (user instanceof Response) return user;
    if (user === undefined || user === '') return failurePage('ERR_POSTERN_AUTH_REQUIRED');
    if (user === pending.initiator) return undefined;
    this.logger.warn('a sign-in link was opened by another user than the one it was made for', {
      context: pending.namespace.id,
    });
    return failurePage('ERR_POSTERN_AUTH_WRONG_USER');
  }
}
