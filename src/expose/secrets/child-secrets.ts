import { randomId, hashUnremembered } from '../../core/random.ts';
import type { Logger } from '../../core/logger.ts';
import type { NamedFlow } from '../../interaction/flow.ts';
import { secretForm } from '../../interaction/forms/secret-form.ts';
import { namespaceOf } from '../../namespace/namespace.ts';
import type { CredentialRequest } from '../../oob/credential-request.ts';
import { Oob, type OobOptions } from '../../oob/oob.ts';
import type { Principal } from '../../oob/principal.ts';
import type { FormValues } from '../../web/form-schema.ts';
import type { SecretVariable } from '../expose-options.ts';

export interface ChildSecretsOptions {
  readonly variables: readonly SecretVariable[];
  /** The server, as people know it: what their values are kept under. */
  readonly name: string;
  /** Where pages live, and who is at a browser. */
  readonly pages: Pick<OobOptions, 'gate' | 'publicUrl' | 'verifyUser' | 'appearance'>;
  readonly storage: OobOptions['storage'];
  readonly logger: Logger;
  /** Whether a server starts with what somebody has entered. */
  readonly tryOut: (
    values: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ) => Promise<'accepted' | 'rejected'>;
  readonly tryMs: number;
  /** Is told whose values have changed. */
  readonly onChange: (user: string) => void;
}

/** What a user has given. */
export interface GivenSecrets {
  readonly values: Readonly<Record<string, string>>;
  /** Another when a value is another. Tells nothing of them. */
  readonly version: string;
}

/** In place of a token: whose call it is was told before it came here, and is told again by this key of its claims. */
export const userClaim = 'postern:user';

/** The variables that each user gives for themselves, on a page, and that are kept sealed. */
export class ChildSecrets {
  readonly oob: Oob;
  readonly request: CredentialRequest<FormValues>;
  readonly #salt = randomId();

  constructor(options: ChildSecretsOptions) {
    const { variables, name, pages, storage, logger, tryOut, tryMs, onChange } = options;
    this.oob = new Oob({
      ...pages,
      storage,
      logger,
      namespaces: { resolve: async ({ claims }) => namespaceOf(String(claims?.[userClaim])) },
      callerOf: (context) => ({
        claims: { [userClaim]: (context as unknown as Record<string, unknown>)[userClaim] },
      }),
    });
    const form = secretForm(
      {
        type: 'object',
        properties: Object.fromEntries(
          variables.map(({ name: variable, title = variable }) => [
            variable,
            { type: 'string', title, writeOnly: true, minLength: 1 },
          ]),
        ),
        required: variables.map(({ name: variable }) => variable),
      },
      {
        message: () => `${name} needs this of you. It is given to your own copy of it, and to nobody else.`,
        test: (values, { signal }) => tryOut(texts(values), signal),
        testTimeoutMs: tryMs,
      },
    );
    const flow: NamedFlow<FormValues> = this.oob.flow(`expose ${name}`, form);
    this.request = { resource: name, flow };
    this.oob.interactions.onEnd(({ status, namespace }) => {
      if (status === 'completed') onChange(namespace.partition);
    });
  }

  /** What a user has given, if all of it is there. @throws {PosternError} when the store does not answer. */
  async find(user: string): Promise<GivenSecrets | undefined> {
    const found = await this.oob.credentials.find(this.principal(user), this.request);
    if (found === undefined) return undefined;
    const values = texts(found);
    return { values, version: await hashUnremembered(this.#salt + JSON.stringify(values)) };
  }

  /** Forgets what a user has given. `false`: nothing was there. */
  async forget(user: string): Promise<boolean> {
    const principal = this.principal(user);
    const { resource } = this.request;
    const isThere = (await this.oob.credentials.list(principal)).some((kept) => kept.resource === resource);
    if (isThere) await this.oob.credentials.forget(principal, resource);
    return isThere;
  }

  principal(user: string): Principal {
    const namespace = namespaceOf(user);
    return { namespace, initiator: namespace.id };
  }

  close(): Promise<void> {
    return this.oob.close();
  }
}

function texts(values: FormValues): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}
