import type { Agent } from 'node:http';
import type { AgentOptions } from 'node:https';
import type { Socket } from 'node:net';
import { classifyHost } from '../host-class.ts';
import type { NetworkOptions } from '../network-options.ts';
import { guardAddresses, type Addresses, type Resolve } from './addresses.ts';
import { http, https, tls } from './built-ins.ts';

/** The connections of one network. Those that may reach inside are never used for what may not. */
export interface Agents {
  /** @throws {PosternError} ERR_POSTERN_NETWORK_FORBIDDEN when the URL leads where its request may not. */
  agentFor(url: URL, inside: boolean): Promise<Agent> | Agent;
  /** Closes connections that are idle, now and from now on. */
  close(): void;
}

/** How long a connection that is not in use is kept. Most servers keep one for 5 s. */
const idleMs = 4_000;
/** How many are kept for one origin. */
const maxIdle = 32;

export function openAgents(options: NetworkOptions, connections: number, resolve?: Resolve): Agents {
  const { guard, proxy = 'environment' } = options;
  const shared: AgentOptions = {
    keepAlive: true,
    maxSockets: connections,
    maxFreeSockets: maxIdle,
    scheduling: 'lifo',
    // Of a connection that is free, unless its server says that it keeps it for less.
    timeout: idleMs,
    ...trustOf(options),
    ...options.clientCertificate,
  };
  let isClosed = false;
  const opened = new Map<string, Agent>();
  const addresses = new Map<boolean, Addresses>();
  const keep = <A extends Agent>(key: string, open: () => A): A => {
    const known = opened.get(key);
    if (known !== undefined) return known as A;
    const agent = open();
    agent.on('free', (socket: Socket) => {
      // Its server may close it at any time, and a request that is sent meanwhile is lost.
      if (isClosed) socket.destroy();
    });
    opened.set(key, agent);
    return agent;
  };
  const addressesOf = (inside: boolean): Addresses | undefined => {
    if (guard === undefined) return undefined;
    const known = addresses.get(inside) ?? guardAddresses(guard, inside, resolve);
    addresses.set(inside, known);
    return known;
  };
  const direct = (url: URL, inside: boolean): Agent => {
    const guarded = addressesOf(inside);
    guarded?.check(url.hostname);
    const isTls = url.protocol === 'https:';
    return keep(`${isTls ? 'https' : 'http'} ${inside}`, () => {
      const own = { ...shared, ...(guarded && { lookup: guarded.lookup }) };
      return isTls ? new (https().Agent)(own) : new http.Agent(own);
    });
  };

  const through = async (url: URL, by: string): Promise<Agent> => {
    if (url.protocol === 'https:') {
      const { HttpsProxyAgent } = await import('https-proxy-agent');
      return keep(`https by ${by}`, () => new HttpsProxyAgent(by, shared) as unknown as Agent);
    }
    const { HttpProxyAgent } = await import('http-proxy-agent');
    return keep(`http by ${by}`, () => new HttpProxyAgent(by, shared) as unknown as Agent);
  };

  const hasProxies = proxy !== 'none' && (proxy !== 'environment' || namesProxy());
  return {
    agentFor(url, inside) {
      if (!hasProxies || classifyHost(url.hostname) === 'loopback') return direct(url, inside);
      return proxyFor(url, proxy).then((by) => (by === undefined ? direct(url, inside) : through(url, by)));
    },
    close() {
      isClosed = true;
      for (const agent of opened.values())
        for (const sockets of Object.values(agent.freeSockets))
          for (const socket of sockets ?? []) socket.destroy();
    },
  };
}

/** Whether there is anything to ask for each request. */
function namesProxy(): boolean {
  return Object.entries(process.env).some(
    ([name, value]) => /^(?:https?|all)_proxy$/iu.test(name) && value !== undefined && value !== '',
  );
}

async function proxyFor(url: URL, proxy: string): Promise<string | undefined> {
  if (proxy !== 'environment') return proxy;
  const { getProxyForUrl } = await import('proxy-from-env');
  return getProxyForUrl(url.href) || undefined;
}

/** What is trusted besides the system's: naming anything replaces the system's, so that is named, too. */
function trustOf({ ca }: NetworkOptions): Pick<AgentOptions, 'ca'> {
  if (ca === undefined) return {};
  // Newer than the oldest Node we run on, and with it what NODE_EXTRA_CA_CERTS names.
  const { getCACertificates, rootCertificates } = tls() as {
    getCACertificates?: (type: 'default') => string[];
    rootCertificates: readonly string[];
  };
  return { ca: [...(getCACertificates?.('default') ?? rootCertificates), ...[ca].flat()] };
}
