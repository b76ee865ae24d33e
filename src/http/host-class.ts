/**
 * Where a host of a URL is, as far as its name tells.
 *
 * `reserved` is never a place to send anything: link-local, unspecified, multicast, documentation, and
 * every IPv6 form that carries an IPv4 address.
 */
export type HostClass = 'public' | 'loopback' | 'private' | 'reserved';

type Range = readonly [prefix: number, bits: number, is: HostClass];

const v4 = (a: number, b: number, c = 0): number => ((a << 24) | (b << 16) | (c << 8)) >>> 0;

const v4Ranges: readonly Range[] = [
  [v4(0, 0), 8, 'reserved'],
  [v4(10, 0), 8, 'private'],
  [v4(100, 64), 10, 'private'],
  [v4(127, 0), 8, 'loopback'],
  [v4(169, 254), 16, 'reserved'],
  [v4(172, 16), 12, 'private'],
  [v4(192, 0, 0), 24, 'reserved'],
  [v4(192, 0, 2), 24, 'reserved'],
  [v4(192, 88, 99), 24, 'reserved'],
  [v4(192, 168), 16, 'private'],
  [v4(198, 18), 15, 'reserved'],
  [v4(198, 51, 100), 24, 'reserved'],
  [v4(203, 0, 113), 24, 'reserved'],
  [v4(224, 0), 3, 'reserved'],
];

/**
 * Classifies the `hostname` of a URL object.
 *
 * The URL parser has already turned octal, hexadecimal, decimal and full-width spellings into one form;
 * only that form is read here. Names other than `localhost` count as public: what they resolve to is
 * for whoever opens the socket.
 */
export function classifyHost(hostname: string): HostClass {
  if (hostname.startsWith('[')) return classifyV6(hostname.slice(1, -1));
  if (/^\d+\.\d+\.\d+\.\d+$/u.test(hostname)) return classifyV4(hostname);
  const name = hostname.replace(/\.+$/u, '').toLowerCase();
  return name === 'localhost' || name.endsWith('.localhost') ? 'loopback' : 'public';
}

function classifyV4(text: string): HostClass {
  const address = text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const found = v4Ranges.find(([prefix, bits]) => address >>> (32 - bits) === prefix >>> (32 - bits));
  return found?.[2] ?? 'public';
}

function classifyV6(text: string): HostClass {
  const groups = expandV6(text);
  const [first = 0, second = 0] = groups;
  if (groups.slice(0, 7).every((group) => group === 0)) return groups[7] === 1 ? 'loopback' : 'reserved';
  if ((first & 0xfe00) === 0xfc00) return 'private';
  // Global unicast is 2000::/3 less its special parts; all else is link-local, multicast, NAT64 or mapped.
  if ((first & 0xe000) !== 0x2000) return 'reserved';
  if (first === 0x2002 || (first === 0x3fff && second < 0x1000)) return 'reserved';
  if (first === 0x2001 && (second < 0x200 || second === 0xdb8)) return 'reserved';
  return 'public';
}

function expandV6(text: string): number[] {
  const [head = '', tail] = text.split('::');
  const read = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  if (tail === undefined) return read(head);
  const [left, right] = [read(head), read(tail)];
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
}
