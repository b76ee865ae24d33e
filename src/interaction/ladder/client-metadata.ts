import type { Gate } from '../gates/gate.ts';

/** The document that tells authorization servers who this client is, where the gate has one. */
export async function metadataDocument(gate: Gate): Promise<Response | undefined> {
  if (gate.clientMetadataUrl === undefined || gate.clientName === undefined) return undefined;
  const { clientMetadataDocument } = await import('../../oauth/client-metadata.ts');
  const document = clientMetadataDocument({
    url: gate.clientMetadataUrl,
    metadata: { clientName: gate.clientName },
    redirectUris: [...new Set([`${gate.baseUrl}/callback`, ...(gate.furtherCallbackUrls ?? [])])],
  });
  return Response.json(document, { headers: { 'cache-control': 'public, max-age=3600' } });
}
