import type { NamedFlow, OAuthCredential } from '../../../src/oob/index.ts';
import type { StorageBackend } from '../../../src/storage/contract.ts';
import type { StorageFault } from '../../support/faulty-storage.ts';
import { callbackOf, openFlowStage, redirectFlow, type FlowStage } from '../../support/flow-stage.ts';

export const faults = ['fail', 'lose-answer'] as const;
export const resource = 'calendar.example';

/**
 * What has become of a grant that was obtained. `lost`: nobody has it, and its tokens live on at the issuer. `dead`: it is
 * given out, and has been revoked.
 */
export async function fateOf(
  stage: FlowStage,
  flow: NamedFlow<OAuthCredential>,
  user = 'alice',
): Promise<'kept' | 'revoked' | 'lost' | 'dead'> {
  const principal = await stage.principal(user);
  const held = await stage.oob.credentials.acquire(principal, { resource, flow }).catch(() => undefined);
  const revoked = stage.as.count('revoke') > 0;
  if (held === undefined) return revoked ? 'revoked' : 'lost';
  return revoked ? 'dead' : 'kept';
}

export interface ConsentOptions {
  /** What happens between the code's being sent and its answer. */
  readonly whileExchanging?: ((stage: FlowStage, user: string) => Promise<void>) | undefined;
  /** Default: one in memory. */
  readonly store?: StorageBackend | undefined;
}

/** Time ends the link. */
export const expire = async (stage: FlowStage): Promise<void> => stage.time.advance(11 * 60_000);

/** The caller gives up. */
export const withdraw = async (stage: FlowStage, user: string): Promise<void> =>
  stage.oob.credentials.withdraw(await stage.principal(user), resource);

/** A consent that fails at one call to the store after its code was sent; `undefined` when there are not that many. */
async function consentFailingAt(
  failing: number,
  fault: StorageFault,
  { whileExchanging = async () => {}, store }: ConsentOptions,
): Promise<string | undefined> {
  const stage = await openFlowStage({ store });
  const flow = redirectFlow(stage);
  // Many consents may share a store.
  const user = `alice-${crypto.randomUUID()}`;
  const { url } = await stage.linkOf(user, flow);
  const browser = await stage.host.openBrowser(user);
  const callback = await callbackOf(browser, url);
  let isExchanged = false;
  stage.as.on('token', async () => {
    await whileExchanging(stage, user);
    isExchanged = true;
    return undefined;
  });
  let calls = 0;
  stage.storage.fault = () => (isExchanged && calls++ === failing ? fault : undefined);
  await browser.open(callback.href);
  stage.storage.fault = () => undefined;
  return calls > failing ? fateOf(stage, flow, user) : undefined;
}

/** The fates of consents each of which fails at another call. */
export async function fatesOf(fault: StorageFault, options: ConsentOptions = {}): Promise<string[]> {
  const fates: string[] = [];
  for (;;) {
    const fate = await consentFailingAt(fates.length, fault, options);
    if (fate === undefined) return fates;
    fates.push(fate);
  }
}
