import { isObject } from '../../wire/message.ts';
import { metaKeys, modernVersion } from '../../wire/eras/envelope.ts';
import type { Greeting } from '../greeting.ts';

/** How one server answers a greeting. */
export interface Greeted {
  readonly server: string;
  readonly result: unknown;
}

const self = { name: 'postern', title: 'Several servers, by postern bridge', version: '0' };

/** How several servers answer a greeting as one: what any of them can do, in a version that all speak. */
export function mergedGreeting(all: readonly Greeted[], { era }: Greeting): Record<string, unknown> {
  const results = all.flatMap(({ server, result }) => (isObject(result) ? [{ server, result }] : []));
  const instructions = results
    .flatMap(({ server, result }) => {
      const said = result['instructions'];
      return typeof said === 'string' && said !== '' ? [`# ${server}\n\n${said}`] : [];
    })
    .join('\n\n');
  const merged = {
    capabilities: mergedCapabilities(results.map(({ result }) => result['capabilities'])),
    ...(instructions !== '' && { instructions }),
  };
  if (era === 'modern') {
    return {
      resultType: 'complete',
      supportedVersions: [modernVersion],
      ...merged,
      ttlMs: 0,
      cacheScope: 'private',
      _meta: { [metaKeys.serverInfo]: self },
    };
  }
  const versions = results.flatMap(({ result }) => {
    const version = result['protocolVersion'];
    return typeof version === 'string' ? [version] : [];
  });
  return { protocolVersion: versions.toSorted()[0], serverInfo: self, ...merged };
}

/** What any of several servers can do. Lists may change: one may be connected later than another. */
function mergedCapabilities(all: readonly unknown[]): Record<string, unknown> {
  const offered = all.filter(isObject);
  const some = (name: string, member?: string): boolean =>
    offered.some((each) => {
      const capability = each[name];
      return isObject(capability) && (member === undefined || capability[member] === true);
    });
  return {
    tools: { listChanged: true },
    ...(some('prompts') && { prompts: { listChanged: true } }),
    ...(some('resources') && {
      resources: { listChanged: true, ...(some('resources', 'subscribe') && { subscribe: true }) },
    }),
    ...(some('logging') && { logging: {} }),
    ...(some('completions') && { completions: {} }),
  };
}
