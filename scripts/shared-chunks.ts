/** What the bundler tells of one module. */
export interface ModuleEdges {
  readonly importedIds: readonly string[];
  readonly dynamicallyImportedIds: readonly string[];
}

type FindEdges = (id: string) => ModuleEdges | null;

/** A file of what entries share, and which modules are in it. */
export interface SharedChunk {
  readonly name: string;
  readonly holds: (id: string, edges: FindEdges) => boolean;
}

/**
 * The folders that entries lie in, lowest layer first; `''` is the root itself.
 * An entry of any other folder counts as the highest.
 */
const tiers = ['storage', '', 'oauth', 'oob', 'client', 'agents'];
/** Entries that are only used together with those of a tier. A chunk for them alone would be one more file for everybody. */
const alongside: Readonly<Record<string, string>> = {
  node: 'oob',
  'browser-sign-in': 'oob',
  atproto: 'oob',
};

/**
 * The chunks for modules that an entry shares with other entries or with its own late parts, one for
 * each pair of the lowest and the highest entry that load a module at once. What a chunk imports is in
 * an earlier one or in itself.
 *
 * A chunk for every set of entries would be exact, and `postern/client`, which needs nearly all of
 * what lies below it, would open some twenty files where so it opens five. What a module imports is loaded
 * by whoever loads the module, so its lowest entry is no higher and its highest no lower: chunks
 * made so never import in a circle.
 *
 * What loads built-ins of Node is in a chunk beside, so that whoever shares the rest runs without them. Nothing else
 * imports it.
 *
 * A module that only an `import()` reaches is in none of them. It stays out of what loads at once.
 *
 * @param firstUses late parts that an entry's first use always loads, by their source, and the entry. What they share with
 * other entries counts as loaded at once by theirs, or a line of it would bring a chunk that is for those others.
 */
export function sharedChunks(
  entries: ReadonlyMap<string, string>,
  firstUses: ReadonlyMap<string, string>,
): SharedChunk[] {
  let spans: ReadonlyMap<string, Span> | undefined;
  const lows = [...tiers.keys(), tiers.length];
  return lows.flatMap((low) =>
    lows
      .filter((high) => high >= low)
      .toReversed()
      .flatMap((high) =>
        [false, true].map((ofNode) => ({
          name: `${tierName(low)}-${tierName(high)}${ofNode ? '-node' : ''}`,
          holds: (id: string, edges: FindEdges): boolean => {
            const span = (spans ??= sharedModules(entries, firstUses, edges)).get(id);
            return span?.low === low && span.high === high && span.ofNode === ofNode;
          },
        })),
      ),
  );
}

/**
 * The one file of what a program needs for its first answer: a start waits for the number of files more than for what is
 * in them. What these modules load late stays out of it.
 */
export function firstChunk(starts: readonly string[]): SharedChunk {
  let held: ReadonlySet<string> | undefined;
  return {
    name: 'start',
    holds: (id, edges) =>
      (held ??= new Set(starts.flatMap((start) => [...loadedWith(start, edges)]))).has(id),
  };
}

/** The ranks of the lowest and the highest entry that load a module at once. */
interface Span {
  readonly low: number;
  readonly high: number;
  readonly ofNode: boolean;
}

function sharedModules(
  entries: ReadonlyMap<string, string>,
  firstUses: ReadonlyMap<string, string>,
  edges: FindEdges,
): Map<string, Span> {
  const owners = new Map<string, string[]>();
  for (const [name, entry] of entries) {
    for (const id of loadedWith(entry, edges)) owners.set(id, [...(owners.get(id) ?? []), name]);
  }
  const late = loadedLate(owners.keys(), edges);
  for (const [start, name] of firstUses) {
    for (const id of loadedWith(start, edges)) owners.get(id)?.push(name);
  }
  const shared = [...owners].filter(([id, own]) => own.length > 1 || late.has(id));
  return new Map(shared.map(([id, own]) => [id, { ...spanOf(own), ofNode: loadsBuiltIns(id, edges) }]));
}

/** What agents share with anybody else counts as the client's: for that, too, one more file would be one for everybody. */
function spanOf(entries: readonly string[]): Omit<Span, 'ofNode'> {
  const agents = tiers.indexOf('agents');
  const own = entries.map(rankOf);
  const isShared = own.some((rank) => rank !== agents);
  const ranks = own.map((rank) => (isShared && rank === agents ? tiers.indexOf('client') : rank));
  return { low: Math.min(...ranks), high: Math.max(...ranks) };
}

/** At once or late: a bundler must find it all the same. */
function loadsBuiltIns(id: string, edges: FindEdges): boolean {
  const isBuiltIn = (name: string): boolean => name.startsWith('node:');
  return [...loadedWith(id, edges)].some(
    (loaded) => isBuiltIn(loaded) || edges(loaded)?.dynamicallyImportedIds.some(isBuiltIn) === true,
  );
}

function loadedWith(start: string, edges: FindEdges): Set<string> {
  const reached = new Set([start]);
  for (const id of reached) for (const imported of edges(id)?.importedIds ?? []) reached.add(imported);
  return reached;
}

/** What an `import()` in one of the modules loads, or one in what that loads, and so on. */
function loadedLate(from: Iterable<string>, edges: FindEdges): Set<string> {
  const late = new Set<string>();
  const starts = (id: string): readonly string[] => edges(id)?.dynamicallyImportedIds ?? [];
  const waiting = [...from].flatMap(starts);
  for (const start of waiting) {
    if (late.has(start)) continue;
    for (const id of loadedWith(start, edges)) {
      if (!late.has(id)) waiting.push(...starts(id));
      late.add(id);
    }
  }
  return late;
}

function rankOf(entry: string): number {
  const folder = entry.includes('/') ? entry.slice(0, entry.indexOf('/')) : '';
  const rank = tiers.indexOf(alongside[folder] ?? folder);
  return rank === -1 ? tiers.length : rank;
}

function tierName(rank: number): string {
  const tier = tiers[rank] ?? 'highest';
  return tier === '' ? 'kernel' : tier;
}
