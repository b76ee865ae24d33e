const maxDepth = 64;

/**
 * The JSON object in a body, or why there is none.
 *
 * The content type is not looked at: real servers get it wrong. A byte-order mark is skipped, text that is
 * not UTF-8 is refused, and so is nesting deeper than 64, which would overflow whatever walks it later.
 */
export type JsonBody =
  | { readonly object: Record<string, unknown> }
  | { readonly object?: undefined; readonly problem: string };

export async function readJsonBody(response: Response): Promise<JsonBody> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(await response.arrayBuffer());
  } catch {
    return { problem: 'is not UTF-8' };
  }
  return parseJsonObject(text);
}

function parseJsonObject(text: string): JsonBody {
  if (isDeeperThan(text, maxDepth)) return { problem: 'is nested too deeply' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'is not JSON' };
  }
  return isObject(value) ? { object: value } : { problem: 'is not an object' };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quoted) {
      if (character === '\\') at++;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === '{' || character === '[') {
      if (++depth > limit) return true;
    } else if (character === '}' || character === ']') depth--;
  }
  return false;
}
