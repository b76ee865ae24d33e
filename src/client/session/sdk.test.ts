import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/client';
import { expect, test } from 'vitest';
import { legacyVersions } from './version-offer.ts';

test('the older versions that we speak are those that the SDK speaks', () => {
  expect(legacyVersions).toEqual(SUPPORTED_PROTOCOL_VERSIONS);
});
