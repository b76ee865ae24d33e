import { expect, onTestFinished, test } from 'vitest';
import { ClientManager, LocalAuthCoordinator, RemoteAuthCoordinator } from '../../src/client/index.ts';
import { fixedNamespace, MemoryBackend } from '../../src/index.ts';
import { Oob, thisMachine } from '../../src/oob/index.ts';
import type { NetworkOptions } from '../../src/http/network-options.ts';
import type { Surroundings } from '../../src/sync/surroundings.ts';
import { codeOf } from '../support/stage.ts';
import { openServer } from './open-server.ts';

const forbidden = 'ERR_POSTERN_NETWORK_FORBIDDEN';
const deployed = (network?: NetworkOptions) => ({
  storage: new MemoryBackend(),
  publicUrl: 'https://bot.example/postern',
  verifyUser: () => undefined,
  network,
});
const namespaces = fixedNamespace('server');

interface Opened {
  readonly interactions: { readonly surroundings: Surroundings };
  close(): Promise<void>;
}

function opening<T extends Opened>(made: T): T {
  onTestFinished(() => made.close());
  return made;
}

const guarded: Readonly<Record<string, (network?: NetworkOptions) => Opened>> = {
  'a coordinator': (network) => new RemoteAuthCoordinator(deployed(network)),
  'a client manager': (network) => new ClientManager({}, deployed(network)).coordinator,
  'a server': (network) => new Oob({ ...deployed(network), namespaces }),
};

test.each(Object.entries(guarded))(
  '%s that is deployed goes nowhere inside on the word of others, whatever else is said of its network',
  async (_what, make) => {
    const { origin, requests } = await openServer((_, response) => response.end());
    for (const network of [undefined, {}, { guard: undefined }, { proxy: 'none' } as const]) {
      const { network: way } = opening(make(network)).interactions.surroundings;
      expect(await codeOf(way.fetch(origin))).toBe(forbidden);
      // Nor does what is said of one server take that away.
      expect(await codeOf(way.with({ guard: undefined, proxy: 'none' }).fetch(origin))).toBe(forbidden);
    }
    expect(requests()).toBe(0);
    const { network: way } = opening(make({ guard: { allow: ['127.0.0.1'] } })).interactions.surroundings;
    expect((await way.fetch(origin)).status).toBe(200);
    expect(() => make({ guard: { allow: ['not a name'] } })).toThrow(
      expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }),
    );
  },
);

test('a program on this machine may reach what its user may', async () => {
  const { origin } = await openServer((_, response) => response.end());
  const programs = [
    new LocalAuthCoordinator({ storage: new MemoryBackend() }),
    new Oob({ storage: new MemoryBackend(), namespaces, gate: thisMachine() }),
  ];
  for (const made of programs) {
    const { network } = opening<Opened>(made).interactions.surroundings;
    expect((await network.fetch(origin)).status).toBe(200);
  }
});
