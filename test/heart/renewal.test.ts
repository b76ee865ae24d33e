import { expect, onTestFinished, vi } from 'vitest';
import { finish, linkOf, type HeartStage, type SetUpName } from './set-ups/set-up.ts';
import { runTable, type Case } from './table.ts';

const noRenewal: Partial<Record<SetUpName, string>> = {
  'server deployed, form': 'a secret is not renewed: when its service refuses it, its person is asked',
};

/** Alice has given a credential, and both instances have used it. */
async function openHolding(stage: HeartStage): Promise<void> {
  await finish(stage, 'alice', await linkOf(stage, 'alice'));
  expect([await stage.outcome('alice', 0), await stage.outcome('alice', 1)]).toEqual([
    'holds alice',
    'holds alice',
  ]);
}

/** What twenty callers get at once, ten of each instance. */
function ofTwentyCallers(stage: HeartStage): Promise<string[]> {
  return Promise.all(
    Array.from({ length: 20 }, (_, index) => stage.outcome('alice', index % 2 === 0 ? 0 : 1)),
  );
}

/** A renewal of the first instance that the issuer does not answer yet; returns how it is let go, and what comes of it. */
async function holdRenewal(stage: HeartStage): Promise<() => Promise<string>> {
  const release = Promise.withResolvers<void>();
  stage.issuer.onRenewal(() => release.promise);
  stage.expire();
  const held = stage.outcome('alice', 0);
  await vi.waitFor(() => expect(stage.issuer.renewals()).toBe(1), { timeout: 10_000 });
  return () => {
    stage.issuer.onRenewal(undefined);
    release.resolve();
    return held;
  };
}

const cases: readonly Case[] = [
  {
    fact: 'twenty callers of two instances renew once, and all of them hold what came of it',
    except: noRenewal,
    async check(stage) {
      await openHolding(stage);
      stage.expire();
      expect(new Set(await ofTwentyCallers(stage))).toEqual(new Set(['holds alice']));
      expect([stage.issuer.renewals(), stage.issuer.exchanges()]).toEqual([1, 1]);
      expect(stage.issuer.ended()).toEqual([false]);
    },
  },
  {
    fact: 'a credential that its issuer says has ended is asked for anew, with one link for everybody',
    except: noRenewal,
    async check(stage) {
      await openHolding(stage);
      stage.expire();
      stage.issuer.endAll();
      const outcomes = new Set(await ofTwentyCallers(stage));
      expect([outcomes.size, [...outcomes][0]?.slice(0, 5)]).toEqual([1, 'asks ']);
      expect(stage.issuer.renewals()).toBe(1);
      await finish(stage, 'alice', await linkOf(stage, 'alice', 1));
      expect(await stage.outcome('alice')).toBe('holds alice');
    },
  },
  {
    fact: 'an issuer that is busy ends no credential: it is renewed when it no longer is',
    except: noRenewal,
    async check(stage) {
      await openHolding(stage);
      stage.expire();
      stage.issuer.setBusy(true);
      for (const outcome of await ofTwentyCallers(stage)) expect(outcome).toMatch(/^ERR_POSTERN_/u);
      expect(stage.issuer.renewals()).toBe(1);
      stage.issuer.setBusy(false);
      stage.advance(5_000);
      expect(new Set(await ofTwentyCallers(stage))).toEqual(new Set(['holds alice']));
      expect([stage.issuer.renewals(), stage.issuer.exchanges()]).toEqual([2, 1]);
    },
  },
  {
    fact: 'a holder that is refused late does not end what its person has given meanwhile',
    except: noRenewal,
    async check(stage) {
      await openHolding(stage);
      const letGo = await holdRenewal(stage);
      stage.issuer.endAll();
      await stage.end('alice', 1);
      await finish(stage, 'alice', await linkOf(stage, 'alice', 1));
      expect(await letGo()).toBe('holds alice');
      expect(stage.issuer.ended()).toEqual([true, false]);
      expect([await stage.outcome('alice', 0), await stage.outcome('alice', 1)]).toEqual([
        'holds alice',
        'holds alice',
      ]);
      expect([stage.issuer.renewals(), stage.issuer.exchanges()]).toEqual([1, 2]);
    },
  },
  {
    fact: 'a holder that succeeds late overwrites nothing newer, and gives back what it has got',
    except: noRenewal,
    async check(stage) {
      await openHolding(stage);
      const letGo = await holdRenewal(stage);
      // The earlier grant goes on at the issuer, so that the late holder has its way there.
      stage.issuer.setRevoking(false);
      await stage.end('alice', 1);
      await finish(stage, 'alice', await linkOf(stage, 'alice', 1));
      stage.issuer.setRevoking(true);
      expect(await stage.outcome('alice', 1)).toBe('holds alice');
      expect(await letGo()).toBe('holds alice');
      expect(stage.issuer.ended()).toEqual([true, false]);
      expect([await stage.outcome('alice', 0), await stage.outcome('alice', 1)]).toEqual([
        'holds alice',
        'holds alice',
      ]);
      expect([stage.issuer.renewals(), stage.issuer.exchanges()]).toEqual([1, 2]);
    },
  },
  {
    fact: 'an instance that dies before its renewal was answered is replaced by another',
    except: noRenewal,
    async check(stage) {
      await openHolding(stage);
      const letGo = await holdRenewal(stage);
      stage.kill(0);
      // Not waited for: what it waits for never comes.
      onTestFinished(() => void letGo().catch(() => ''));
      stage.issuer.onRenewal(undefined);
      stage.advance(40_000);
      expect(await stage.outcome('alice', 1)).toBe('holds alice');
      expect([stage.issuer.renewals(), stage.issuer.exchanges()]).toEqual([2, 1]);
    },
  },
];

runTable('renewals', cases);
