/** One process of a server, which acquires credentials as its parent says, and serves the pages. */
import { findPosternError } from '../../src/core/postern-error.ts';
import { allowPrivateNetwork, createOAuthHttp } from '../../src/oauth/index.ts';
import { Oob, deviceCode, findInteractionRequired, secretForm } from '../../src/oob/index.ts';
import { openLocalStorage } from '../../src/storage/local.ts';
import { answerParent } from './answer-parent.ts';
import { userOf } from './page-host.ts';
import { devicePlan, namespaces } from './process-world.ts';

/** Calls to make at once. */
export interface Acquisition {
  readonly user: string;
  readonly flow: 'login' | 'device';
  readonly calls: number;
  readonly waitMs: number;
}

/** What came of each call: the credential as JSON, or the code of its error. */
export interface Acquired {
  readonly credential?: string;
  readonly code?: string;
  readonly link?: string;
}

const [directory = '', publicUrl = '', issuer = '', leaseMs = ''] = process.argv.slice(2);

const oob = new Oob({
  storage: openLocalStorage(directory),
  namespaces,
  publicUrl,
  verifyUser: userOf,
  watchLeaseMs: Number(leaseMs),
});
const http = createOAuthHttp({ [allowPrivateNetwork]: true, timeoutMs: 3_000 });
const flows = {
  login: oob.flow(
    'login',
    secretForm({
      type: 'object',
      properties: { password: { type: 'string', writeOnly: true } },
      required: ['password'],
    }),
  ),
  device: oob.flow('device', deviceCode({ http, authorize: () => devicePlan(issuer) })),
};

async function acquire({ user, flow, waitMs }: Acquisition): Promise<Acquired> {
  try {
    const principal = await oob.principal({ token: user });
    const request = { resource: 'db.example', flow: flows[flow] as (typeof flows)['login'] };
    return { credential: JSON.stringify(await oob.credentials.acquire(principal, request, { waitMs })) };
  } catch (error) {
    const link = findInteractionRequired(error)?.interaction.url;
    return { code: findPosternError(error)?.code ?? String(error), ...(link !== undefined && { link }) };
  }
}

await answerParent(oob.fetch, (asked: Acquisition) =>
  Promise.all(Array.from({ length: asked.calls }, () => acquire(asked))),
);
