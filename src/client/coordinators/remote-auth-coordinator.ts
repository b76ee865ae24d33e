import { guarded } from '../../http/network.ts';
import { deployment, type DeploymentOptions } from '../../interaction/gates/deployment.ts';
import { AuthCoordinator } from './auth-coordinator.ts';
import type { AuthCoordinatorOptions } from './coordinator-options.ts';

export type RemoteAuthCoordinatorOptions = AuthCoordinatorOptions & DeploymentOptions;

/**
 * For web applications and functions: callbacks arrive as requests, in any process. Never blocks.
 *
 * Mount `fetch` at `publicUrl`.
 */
export class RemoteAuthCoordinator extends AuthCoordinator {
  /** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED without `verifyUser`, or with a `publicUrl` browsers must not be sent to. */
  constructor(options: RemoteAuthCoordinatorOptions) {
    super({ ...options, network: guarded(options.network) }, ({ logger }) => {
      const { appearance, clientName = appearance?.name } = options;
      // One name for people, on our pages and on those of authorization servers.
      const named = { ...options, appearance: { name: clientName, ...appearance } };
      return deployment({ ...named, clientName: clientName ?? 'Postern' }, logger);
    });
  }

  /** The host shows the link: it is in the error, and in `getAuthChallenges()`. */
  override present(): Promise<void> {
    return Promise.resolve();
  }
}
