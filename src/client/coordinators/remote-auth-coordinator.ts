import { deployment, type DeploymentOptions } from '../../interaction/gates/deployment.ts';
import { AuthCoordinator, type AuthCoordinatorOptions } from './auth-coordinator.ts';

export type RemoteAuthCoordinatorOptions = AuthCoordinatorOptions & DeploymentOptions;

/**
 * For web applications and functions: callbacks arrive as requests, in any process. Never blocks.
 *
 * Mount `fetch` at `publicUrl`.
 */
export class RemoteAuthCoordinator extends AuthCoordinator {
  /** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED without `verifyUser`, or with a `publicUrl` browsers must not be sent to. */
  constructor(options: RemoteAuthCoordinatorOptions) {
    super(options, ({ logger }) => deployment({ clientName: 'Postern', ...options }, logger));
  }

  /** The host shows the link: it is in the error, and in `getAuthChallenges()`. */
  override present(): Promise<void> {
    return Promise.resolve();
  }
}
