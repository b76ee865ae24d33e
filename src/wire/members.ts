import { namesOnce, spliced } from './splice.ts';

/** No JSON has it. */
const mark = '\0';

/** The JSON of a value in a JSON object, as it stands there; `undefined` as for {@link spliced}. */
export function textAt(text: string, path: readonly string[]): string | undefined {
  const marked = spliced(text, path, mark);
  if (marked === undefined) return undefined;
  const from = marked.indexOf(mark);
  return text.slice(from, text.length - (marked.length - from - 1));
}

/**
 * A JSON object in which one member of an object within has another value; it is added where there is none. All else stays as
 * it stands. `undefined` when the object at `path` is none, or something on the way is named twice.
 *
 * @param json the value, itself JSON.
 */
export function withMember(
  text: string,
  path: readonly string[],
  name: string,
  json: string,
): string | undefined {
  const replaced = spliced(text, [...path, name], json);
  if (replaced !== undefined) return replaced;
  const within = path.length === 0 ? text : textAt(text, path);
  const open = within?.search(/\S/u) ?? -1;
  if (within === undefined || within[open] !== '{' || !namesOnce(within)) return undefined;
  const rest = within.slice(open + 1);
  const isEmpty = /^\s*\}/u.test(rest);
  const changed = `{${JSON.stringify(name)}:${json}${isEmpty ? '' : ','}${rest}`;
  return path.length === 0 ? changed : spliced(text, path, changed);
}
