import type { CallToolResult } from '@modelcontextprotocol/client';

/** A part of a tool's result, as every framework knows some form of it. */
export type ResultPart =
  | { readonly type: 'text'; readonly text: string }
  /** Base64. */
  | { readonly type: 'file'; readonly data: string; readonly mediaType: string };

/**
 * A tool's result in parts that a model can read, all of it: text, images, sound, resources, and structured content where
 * no text says the same.
 */
export function resultParts({ content, structuredContent, isError }: CallToolResult): ResultPart[] {
  const parts = content.map((block): ResultPart => {
    switch (block.type) {
      case 'text':
        return { type: 'text', text: block.text };
      case 'image':
      case 'audio':
        return { type: 'file', data: block.data, mediaType: block.mimeType };
      case 'resource': {
        const { resource } = block;
        if ('text' in resource) return { type: 'text', text: resource.text };
        return {
          type: 'file',
          data: resource.blob,
          mediaType: resource.mimeType ?? 'application/octet-stream',
        };
      }
      case 'resource_link':
        return { type: 'text', text: JSON.stringify({ name: block.name, uri: block.uri }) };
      default:
        return { type: 'text', text: JSON.stringify(block) };
    }
  });
  const structured = structuredContent === undefined ? undefined : JSON.stringify(structuredContent);
  const isSaid = parts.some((part) => part.type === 'text' && isSameJson(part.text, structured));
  if (structured !== undefined && !isSaid) parts.push({ type: 'text', text: structured });
  if (isError !== true) return parts;
  return [{ type: 'text', text: 'The tool answered with an error:' }, ...parts];
}

function isSameJson(text: string, json: string | undefined): boolean {
  if (json === undefined) return false;
  try {
    return JSON.stringify(JSON.parse(text)) === json;
  } catch {
    return false;
  }
}
