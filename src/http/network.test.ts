import { expect, onTestFinished, test, vi } from 'vitest';
import { openNetwork } from './network.ts';
import type { NetworkOptions } from './network-options.ts';

const certificate = { cert: 'a certificate', key: 'its key' };

function onAWorker(): void {
  vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' });
  onTestFinished(() => void vi.unstubAllGlobals());
}

test.each<[string, NetworkOptions]>([
  ['clientCertificate', { clientCertificate: certificate }],
  ['clientCertificates', { clientCertificates: { 'https://login.bank.example': certificate } }],
  ['ca', { ca: 'an authority' }],
  ['proxy', { proxy: 'http://proxy.bank.example:3128' }],
])('where the runtime has a fetch of its own, "%s" is refused, not left out', (name, options) => {
  onAWorker();
  expect(() => openNetwork(options)).toThrow(
    expect.objectContaining({
      code: 'ERR_POSTERN_CONFIG_MISCONFIGURED',
      message: expect.stringContaining(`"network.${name}"`),
    }),
  );
});

test.each<NetworkOptions>([{}, { guard: {} }, { proxy: 'environment' }, { proxy: 'none' }])(
  'where the runtime has a fetch of its own, a network of %j opens',
  (options) => {
    onAWorker();
    expect(openNetwork(options).fetch).toBeTypeOf('function');
  },
);
