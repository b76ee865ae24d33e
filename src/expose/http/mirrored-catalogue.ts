import { metaKeys } from '../../wire/eras/envelope.ts';
import { isObject, type RequestMessage } from '../../wire/message.ts';
import { mirroredParameters, type MirroredParameter } from '../../wire/mirrored-parameters.ts';
import type { Child } from '../child/child.ts';
import type { ServerLink } from '../child/server-link.ts';

type Declared = ReadonlyMap<string, readonly MirroredParameter[]>;

const noteName = 'mirrored parameters';
const listMs = 10_000;
const maxPages = 50;
/** A catalogue that is older is read anew, beside the calls that go by it. */
const staleMs = 60_000;
/** One that is younger is not read anew only because a call does not fit it. */
const freshMs = 1_000;

/** Which arguments of a child's tools are mirrored in headers. The child says so in its list of tools, which it may change. */
export class MirroredCatalogue {
  readonly #link: ServerLink;
  #declared: Promise<Declared> | undefined;
  #readAtMs = 0;

  private constructor(link: ServerLink) {
    this.#link = link;
  }

  static of(child: Child): MirroredCatalogue {
    const known = child.notes.get(noteName);
    if (known instanceof MirroredCatalogue) return known;
    const made = new MirroredCatalogue(child.link);
    child.notes.set(noteName, made);
    return made;
  }

  /** Those of the tool that a call names. @param again an answer from before did not fit the call. */
  async parametersFor(
    { params }: RequestMessage,
    { again }: { readonly again: boolean },
  ): Promise<readonly MirroredParameter[]> {
    const name = params?.['name'];
    if (typeof name !== 'string') return [];
    const meta = isObject(params?.['_meta']) ? params['_meta'] : {};
    const ageMs = performance.now() - this.#readAtMs;
    const before = this.#declared;
    if (before === undefined || (again && ageMs > freshMs)) return (await this.#read(meta)).get(name) ?? [];
    if (ageMs > staleMs) void this.#read(meta);
    return (await before).get(name) ?? [];
  }

  #read(meta: Readonly<Record<string, unknown>>): Promise<Declared> {
    this.#readAtMs = performance.now();
    const envelope = {
      [metaKeys.version]: meta[metaKeys.version],
      [metaKeys.capabilities]: meta[metaKeys.capabilities],
    };
    this.#declared = readDeclared(this.#link, envelope).catch(() => {
      // A server that cannot list its tools is asked again at the next call.
      this.#declared = undefined;
      return new Map();
    });
    return this.#declared;
  }
}

async function readDeclared(link: ServerLink, meta: object): Promise<Declared> {
  const found = new Map<string, readonly MirroredParameter[]>();
  let cursor: unknown;
  for (let page = 0; page < maxPages; page++) {
    const params = { _meta: meta, ...(cursor !== undefined && { cursor }) };
    const answer = await link.ask('tools/list', params, listMs);
    const result = answer.kind === 'result' && isObject(answer.result) ? answer.result : {};
    const tools: readonly unknown[] = Array.isArray(result['tools']) ? result['tools'] : [];
    for (const tool of tools) {
      if (!isObject(tool) || typeof tool['name'] !== 'string') continue;
      const mirrored = mirroredParameters(tool['inputSchema']) ?? [];
      if (mirrored.length > 0) found.set(tool['name'], mirrored);
    }
    cursor = result['nextCursor'];
    if (typeof cursor !== 'string') break;
  }
  return found;
}
