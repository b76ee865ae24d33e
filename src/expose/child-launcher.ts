import type { ChildHooks, ChildWant, LaunchedChild } from './child/child.ts';
import { ServerProcess, type ServerProcessOptions } from './child/server-process.ts';
import type { ServerLink } from './child/server-link.ts';
import type { ChildSecrets } from './secrets/child-secrets.ts';
import { waitingVersion } from './secrets/waiting-version.ts';

export interface ChildLauncherOptions {
  readonly process: Pick<ServerProcessOptions, 'command' | 'maxLineBytes' | 'guard' | 'logger'>;
  /** Of every child. */
  readonly env: Readonly<Record<string, string>>;
  /** Values of it that stay out of the log. */
  readonly configured: readonly string[];
  /** What users give, once it is known where they are asked for it; `undefined` where children need nothing of them. */
  readonly secrets: Promise<ChildSecrets | undefined>;
  readonly name: string;
  readonly version: string;
  /** The child that there is once its user has given what it needs. */
  readonly next: (want: ChildWant) => Promise<{ readonly link: ServerLink }>;
}

/** Launches the children of users, each with what its user has given, or what stands in for it until they have. */
export class ChildLauncher {
  readonly #options: ChildLauncherOptions;

  constructor(options: ChildLauncherOptions) {
    this.#options = options;
  }

  /** @throws {PosternError} when the store does not answer. */
  async launch(want: ChildWant, hooks: ChildHooks): Promise<LaunchedChild> {
    const { name, version, next } = this.#options;
    const secrets = await this.#options.secrets;
    const given = await secrets?.find(want.user);
    if (secrets !== undefined && given === undefined) {
      const { openWaitingRoom } = await import('./secrets/waiting-room.ts');
      return openWaitingRoom({ secrets, want, hooks, name, version, next });
    }
    return new ServerProcess({
      ...this.#options.process,
      ...hooks,
      ...this.#environmentWith(given?.values ?? {}),
      version: given?.version ?? '',
    });
  }

  /** Whether a child of a user that was launched with a version would be launched with the same now. */
  async isCurrent(user: string, version: string): Promise<boolean> {
    const secrets = await this.#options.secrets;
    return secrets === undefined || ((await secrets.find(user))?.version ?? waitingVersion) === version;
  }

  /** Whether a child gets ready with what somebody has entered. */
  async tryOut(
    values: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<'accepted' | 'rejected'> {
    const { tryToStart } = await import('./secrets/trial-run.ts');
    return tryToStart({ ...this.#options.process, ...this.#environmentWith(values), signal });
  }

  #environmentWith(values: Readonly<Record<string, string>>): Pick<ServerProcessOptions, 'env' | 'secrets'> {
    const { env, configured } = this.#options;
    return { env: { ...env, ...values }, secrets: [...configured, ...Object.values(values)] };
  }
}
