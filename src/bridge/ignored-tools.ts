import { isObject } from '../wire/message.ts';

/** Whether a tool is one that nobody is offered. */
export function isIgnored(tool: unknown, patterns: readonly string[] | undefined): boolean {
  if (patterns === undefined || typeof tool !== 'string') return false;
  return patterns.some((pattern) => matches(tool, pattern));
}

/** The JSON of a list of tools without those: the very text where there are none. */
export function withoutIgnored(
  text: string,
  result: unknown,
  patterns: readonly string[] | undefined,
): string {
  if (patterns === undefined || patterns.length === 0 || !isObject(result)) return text;
  const { tools } = result;
  if (!Array.isArray(tools)) return text;
  const kept = tools.filter((tool) => !isIgnored((tool as { name?: unknown } | null)?.name, patterns));
  if (kept.length === tools.length) return text;
  const message = JSON.parse(text) as { result: object };
  return JSON.stringify({ ...message, result: { ...message.result, tools: kept } });
}

/** `*` stands for anything. Linear in the length of the name for each part of the pattern. */
function matches(name: string, pattern: string): boolean {
  const parts = pattern.split('*');
  const [first = '', ...others] = parts;
  if (parts.length === 1) return name === pattern;
  const last = others.pop() ?? '';
  if (!name.startsWith(first) || name.length < first.length + last.length || !name.endsWith(last))
    return false;
  let at = first.length;
  const end = name.length - last.length;
  for (const part of others) {
    const found = name.indexOf(part, at);
    if (found === -1 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
