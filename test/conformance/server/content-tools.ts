import type { McpServer } from '@modelcontextprotocol/server';
import type { Oob } from '../../../src/oob/index.ts';
import { samplePng, sampleWav } from './sample-media.ts';
import { textResult } from './text-result.ts';

/** A tool for each kind of content, and one that fails. Made by `oob.tool`, which must leave no mark on any of it. */
export function registerContentTools(server: McpServer, oob: Oob): void {
  // The suite calls the first tool of the list without arguments, so this one comes first.
  server.registerTool(
    'test_simple_text',
    { description: 'Answers with a text' },
    oob.tool(() => textResult('This is a simple text response for testing.')),
  );
  server.registerTool(
    'test_image_content',
    { description: 'Answers with an image' },
    oob.tool(() => ({ content: [{ type: 'image', data: samplePng, mimeType: 'image/png' }] })),
  );
  server.registerTool(
    'test_audio_content',
    { description: 'Answers with a sound' },
    oob.tool(() => ({ content: [{ type: 'audio', data: sampleWav, mimeType: 'audio/wav' }] })),
  );
  server.registerTool(
    'test_embedded_resource',
    { description: 'Answers with a resource' },
    oob.tool(() => ({
      content: [resource('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')],
    })),
  );
  server.registerTool(
    'test_multiple_content_types',
    { description: 'Answers with one of each' },
    oob.tool(() => ({
      content: [
        { type: 'text', text: 'Multiple content types test:' },
        { type: 'image', data: samplePng, mimeType: 'image/png' },
        resource('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
      ],
    })),
  );
  server.registerTool(
    'test_error_handling',
    { description: 'Fails' },
    oob.tool(() => {
      throw new Error('This tool intentionally returns an error for testing');
    }),
  );
}

function resource(
  uri: string,
  mimeType: string,
  text: string,
): { type: 'resource'; resource: { uri: string; mimeType: string; text: string } } {
  return { type: 'resource', resource: { uri, mimeType, text } };
}
