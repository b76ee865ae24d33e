import { describe, expect, test } from 'vitest';
import { resultParts } from '../../src/agents/result-parts.ts';

describe('a result, in parts that a model can read,', () => {
  test('has its texts, pictures, sounds and resources, in their order', () => {
    const parts = resultParts({
      content: [
        { type: 'text', text: 'one' },
        { type: 'image', data: 'aW1n', mimeType: 'image/png' },
        { type: 'audio', data: 'd2F2', mimeType: 'audio/wav' },
        { type: 'resource', resource: { uri: 'file:///a', text: 'a file' } },
        { type: 'resource', resource: { uri: 'file:///b', blob: 'Yg==' } },
        { type: 'resource_link', uri: 'file:///c', name: 'c' },
      ],
    });
    expect(parts).toEqual([
      { type: 'text', text: 'one' },
      { type: 'file', data: 'aW1n', mediaType: 'image/png' },
      { type: 'file', data: 'd2F2', mediaType: 'audio/wav' },
      { type: 'text', text: 'a file' },
      { type: 'file', data: 'Yg==', mediaType: 'application/octet-stream' },
      { type: 'text', text: '{"name":"c","uri":"file:///c"}' },
    ]);
  });

  test('has its structured content, unless a text is the same', () => {
    const structuredContent = { free: ['13:00'] };
    const said = resultParts({
      content: [{ type: 'text', text: '{ "free": ["13:00"] }' }],
      structuredContent,
    });
    expect(said).toEqual([{ type: 'text', text: '{ "free": ["13:00"] }' }]);
    const unsaid = resultParts({ content: [{ type: 'text', text: 'see there' }], structuredContent });
    expect(unsaid).toEqual([
      { type: 'text', text: 'see there' },
      { type: 'text', text: '{"free":["13:00"]}' },
    ]);
  });

  test('says that it is an error', () => {
    const parts = resultParts({ content: [{ type: 'text', text: 'no' }], isError: true });
    expect(parts).toEqual([
      { type: 'text', text: 'The tool answered with an error:' },
      { type: 'text', text: 'no' },
    ]);
  });
});
