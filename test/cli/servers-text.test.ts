import { parse } from 'jsonc-parser';
import { expect, test } from 'vitest';
import { ServersText } from '../../src/cli/servers-text.ts';

const entry = { command: 'npx', args: ['-y', 'postern', 'bridge', 'https://calendar.example/mcp'] };
const lenient = { comments: true };

/** Files as people and their hosts write them. */
const files: Readonly<Record<string, string>> = {
  'two entries on lines':
    '{\n  "mcpServers": {\n    "a": { "command": "a" },\n    "b": { "command": "b" }\n  }\n}\n',
  'one entry in one line': '{"mcpServers":{"a":{"command":"a"}},"z":[1,2]}',
  'tabs, comments and a comma at the end':
    '{\n\t// mine\n\t"mcpServers": {\n\t\t"a": { "command": "a" }, // keep\n\t\t/* and this */\n\t},\n\t"z": 1,\n}\n',
  'a comment after the last entry': '{\n  "mcpServers": {\n    "a": { "command": "a" } // keep\n  }\n}',
  'Windows lines':
    '{\r\n    "mcpServers": {\r\n        "a": {\r\n            "command": "a"\r\n        }\r\n    }\r\n}\r\n',
  'a mark before it': '\uFEFF{\n  "mcpServers": {\n    "a": {}\n  }\n}\n',
};

test.each(Object.entries(files))(
  '%s: an entry that is added and taken out leaves every byte as it was',
  (_, text) => {
    const added = new ServersText(text, 'f', lenient).with('calendar', entry);
    const read = new ServersText(added, 'f', lenient);
    expect(read.entry('calendar')).toEqual(entry);
    expect(read.entry('a')).toEqual(new ServersText(text, 'f', lenient).entry('a'));
    for (const comment of text.match(/\/\/.*|\/\*.*\*\//gu) ?? []) expect(added).toContain(comment);
    expect(read.with('calendar', undefined)).toBe(text);
  },
);

test.each(Object.entries(files))('%s: the first entry can be replaced and taken out', (_, text) => {
  const file = new ServersText(text, 'f', lenient);
  const others = parse(text.replace('\uFEFF', '')) as { mcpServers: Record<string, unknown> };
  const replaced = new ServersText(file.with('a', entry), 'f', lenient);
  expect(replaced.entry('a')).toEqual(entry);
  const removed = new ServersText(file.with('a', undefined), 'f', lenient);
  expect(removed.entry('a')).toBeUndefined();
  expect(removed.entry('b')).toEqual(others.mcpServers['b']);
});

test('an entry is indented as the file is, and a comment stays with what it is about', () => {
  const text = files['tabs, comments and a comma at the end']!;
  expect(new ServersText(text, 'f', lenient).with('calendar', { command: 'c' })).toBe(
    '{\n\t// mine\n\t"mcpServers": {\n\t\t"a": { "command": "a" }, // keep\n\t\t"calendar": {\n\t\t\t"command": "c"\n\t\t},\n\t\t/* and this */\n\t},\n\t"z": 1,\n}\n',
  );
});

test.each([
  ['', '{\n  "mcpServers": {\n    "c": 1\n  }\n}\n'],
  ['{}', '{\n  "mcpServers": {\n    "c": 1\n  }\n}'],
  ['{\n  "z": 1\n}\n', '{\n  "z": 1,\n  "mcpServers": {\n    "c": 1\n  }\n}\n'],
  ['{\n  "mcpServers": {}\n}\n', '{\n  "mcpServers": {\n    "c": 1\n  }\n}\n'],
])('a file without entries, %j, gets its first', (text, expected) => {
  expect(new ServersText(text, 'f', { comments: false }).with('c', 1)).toBe(expected);
});

test.each([
  ['{ broken', false],
  ['{"mcpServers":{},}', false],
  ['{"mcpServers":{} // comment\n}', false],
  ['{"mcpServers":{"a":1', true],
  ['[]', true],
  ['{"mcpServers":[]}', true],
  ['{"mcpServers":null}', true],
  ['"text"', true],
])('%j is refused, where comments: %j', (text, comments) => {
  expect(() => new ServersText(text, 'f', { comments })).toThrow(
    expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }),
  );
});
