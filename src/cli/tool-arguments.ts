import { readFileSync } from 'node:fs';
import { PosternError } from '../core/postern-error.ts';
import type { Tool } from './list-tools.ts';

/** How the arguments of a call are given. */
export interface ArgumentOptions {
  readonly arg?: readonly string[] | undefined;
  readonly input?: string | undefined;
}

/** The most that is read of what a call is given. */
const maxBytes = 16_000_000;

/**
 * What a tool is called with.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when that is not what was meant. It quotes names, and no values.
 */
export async function readArguments(
  { arg, input }: ArgumentOptions,
  tool: Pick<Tool, 'inputSchema'>,
): Promise<Record<string, unknown>> {
  if (input !== undefined) return parseObject(await readInput(input));
  const properties = (tool.inputSchema.properties ?? {}) as Record<string, unknown>;
  const entries = (arg ?? []).map((text) => {
    const at = text.indexOf('=');
    if (at < 1) {
      throw misused('an --arg has no name', 'Write --arg name=value.');
    }
    const name = text.slice(0, at);
    const schema = Object.hasOwn(properties, name) ? properties[name] : undefined;
    return [name, valueOf(name, text.slice(at + 1), schema)] as const;
  });
  // Not by assignment: a name may be `__proto__`.
  return Object.fromEntries(entries);
}

/** A text as the type that is wanted; as it stands where the tool says nothing of it, or takes text, too. */
function valueOf(name: string, text: string, schema: unknown): unknown {
  const { type } = (typeof schema === 'object' && schema !== null ? schema : {}) as { type?: unknown };
  const types = [type].flat().filter((each) => typeof each === 'string');
  if (types.length === 0 || types.includes('string')) return text;
  const value = parseJson(text);
  if (value !== undefined && types.some((each) => isOf(each, value))) return value;
  throw misused(
    `--arg ${JSON.stringify(name)} is not ${types.join(' or ')}`,
    'See `postern tools <server> <tool>`.',
  );
}

function isOf(type: string, value: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'null') return value === null;
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

async function readInput(input: string): Promise<string> {
  if (input === '-') return readAll(process.stdin);
  if (!input.startsWith('@')) return input;
  try {
    return readFileSync(input.slice(1), 'utf8');
  } catch (cause) {
    throw misused(`${JSON.stringify(input.slice(1))} cannot be read`, 'Is there such a file?', cause);
  }
}

async function readAll(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of stream) {
    const buffer = Buffer.from(part);
    bytes += buffer.length;
    if (bytes > maxBytes) throw misused('what was piped in is too large', `It may have ${maxBytes} bytes.`);
    parts.push(buffer);
  }
  return Buffer.concat(parts).toString();
}

function parseObject(text: string): Record<string, unknown> {
  const value = parseJson(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw misused('the input is no JSON object', 'Write --input \'{"name":"value"}\', or --arg name=value.');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function misused(message: string, hint: string, cause?: unknown): PosternError {
  return new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', message, { hint, cause });
}
