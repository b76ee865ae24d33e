import { storedRecords as ofBrowserSignIn } from '../src/browser-sign-in/stored-records.ts';
import { storedRecords as ofInteraction } from '../src/interaction/stored-records.ts';
import { storedRecords as ofNamespace } from '../src/namespace/stored-records.ts';
import { storedRecords as ofOob } from '../src/oob/stored-records.ts';
import { storedRecords as ofPending } from '../src/pending/stored-records.ts';
import { storedRecords as ofResume } from '../src/resume/stored-records.ts';
import { storedRecords as ofStorage } from '../src/storage/stored-records.ts';
import type { StoredRecord } from '../src/storage/stored-record.ts';

/** Every sort of record, by the folder of `src/` that keeps it. */
export const storedByLayer: Readonly<Record<string, readonly StoredRecord[]>> = {
  storage: ofStorage,
  namespace: ofNamespace,
  pending: ofPending,
  resume: ofResume,
  interaction: ofInteraction,
  oob: ofOob,
  'browser-sign-in': ofBrowserSignIn,
};

/** `docs/storage-schema.md`, from the tables of the layers. */
export function renderStorageSchemaPage(): string {
  const sections = Object.entries(storedByLayer).map(([layer, records]) => {
    const rows = records.map(({ key, holds, lives }) => `| \`${key}\` | ${holds} | ${lives} |`);
    return `## \`${layer}/\`\n\n| key | holds, before sealing | lives |\n|---|---|---|\n${rows.join('\n')}`;
  });
  return `<!-- Made from the tables src/*/stored-records.ts by \`node scripts/render-docs.ts\`. Change them there. -->

# What is stored

Every record, as a store holds it. Keys are written as people read them: the partition first, then the path, each segment percent-encoded, joined by \`:\` (\`user:alice\` → \`user%3Aalice\`), so that no two paths share a text and a prefix ends only where a segment does. \`‹namespace›\` is the partition of one principal: \`client:‹context id›\` on an agent's side, such as \`user:‹issuer and subject›\` on a server's. A commit is atomic inside one partition.

Values are JSON, and outside memory they are sealed: AES-256-GCM with the partition and path as associated data, so that a value copied to another key does not open. Schemas are loose: a field written by a newer version survives being rewritten by an older one. Public ids (a state, a pending's id) appear in keys only as SHA-256, base64url. Nothing else in a key is hidden: context ids, resources, server names and issuers stand there as they are.

The end of a sign-in is **one commit**: the credential is put, the attempt becomes \`done\`, the pending \`completed\`. A decline is one commit, too, with what was declined. A crash leaves either all of it or none.

## Names

The id of a namespace and the initiator of a pending name somebody, so they are taken exactly: two names are the same when every UTF-16 code unit is. Nothing is trimmed, folded in case or Unicode-normalised, in no store; \`é\` as one letter and as two are two people. A host that means them as one normalises before it passes them on. Refused (\`ERR_POSTERN_NAMESPACE_INVALID\`) is what names nobody: an empty text, what is not a string, ill-formed text (half a surrogate pair), more than 300 characters or 900 bytes encoded, and what a missing value turns into on its way through a template: \`undefined\`, \`null\`, \`NaN\`, \`[object Object]\`.

${sections.join('\n\n')}

## Signals

A channel is the readable form of a key: \`client:user%3Aalice:pending:‹hash›\` when a pending ends, \`…:renewing:…\` when a lease is released, \`resume:ready\` when a continuation is due. A signal carries nothing and may be lost, doubled or late: whoever it wakes reads the store.

## What is not protected

Who can write to the store can delete records or put old ones back (a rolled-back grant is refused by its issuer at the next refresh). Key segments, sizes and times are visible. A process that holds the keyring can read everything.
`;
}
