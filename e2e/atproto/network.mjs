/**
 * A real AT Protocol network on loopback: a PLC directory, a PDS with its authorization server, and a stand-in for the
 * AppView, which the PDS hands timelines and searches on to.
 *
 * A process of its own, driven by its parent's messages: `{ id, method, args }`, answered by `{ id, value }` or `{ id, error }`.
 */
import { randomBytes } from 'node:crypto';
import { origins } from './origins.mjs';
import { PDS } from '@atproto/pds';
import plc from '@did-plc/server';
import { startAppView } from './app-view.mjs';

const [directory = ''] = process.argv.slice(2);
const secrets = {
  plcRotationKeyK256PrivateKeyHex: randomBytes(32).toString('hex'),
  jwtSecret: randomBytes(16).toString('hex'),
  adminPassword: randomBytes(16).toString('hex'),
};

const plcServer = plc.PlcServer.create({ db: plc.Database.mock(), port: 0 });
const plcListener = await plcServer.start();
const plcUrl = `http://localhost:${plcListener.address().port}`;
const appView = await startAppView(() => pdsUrl);

let pds;
let port = await freePort();
const pdsUrl = `http://localhost:${port}`;
await startPds();

async function startPds() {
  pds = await PDS.fromEnv({
    ...secrets,
    devMode: true,
    port,
    hostname: 'localhost',
    dataDirectory: directory,
    blobstoreDiskLocation: `${directory}/blobs`,
    didPlcUrl: plcUrl,
    serviceHandleDomains: ['.test'],
    inviteRequired: false,
    disableSsrfProtection: true,
    crawlers: [],
    bskyAppViewUrl: appView.url,
    bskyAppViewDid: 'did:example:appview',
    modServiceUrl: 'https://mod.invalid',
    modServiceDid: 'did:example:invalid',
  });
  await pds.start();
}

/** A port that the system has chosen, so that a PDS that is started again keeps its address. */
async function freePort() {
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: chosen } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return chosen;
}

const methods = {
  async stopPds() {
    await pds?.destroy();
    pds = undefined;
  },
  startPds,
  async mapOrigin({ from, to }) {
    origins.set(from, to);
  },
  async createAccount({ handle, password }) {
    const response = await fetch(`${pdsUrl}/xrpc/com.atproto.server.createAccount`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ handle, password, email: `${handle}@mail.example` }),
    });
    const body = await response.json();
    if (!response.ok) throw new Error(`createAccount: ${response.status} ${body.message}`);
    return { did: body.did, accessJwt: body.accessJwt };
  },
};

process.on('message', ({ id, method, args }) => {
  void (async () => methods[method](args))().then(
    (value) => process.send({ id, value }),
    (error) => process.send({ id, error: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send({ id: 0, value: { plcUrl, pdsUrl } });
