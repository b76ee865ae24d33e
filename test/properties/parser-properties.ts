import { callbackProperties } from './parsers/callback.ts';
import { challengeProperties } from './parsers/challenge.ts';
import { metadataProperties } from './parsers/metadata.ts';
import { otherReplyProperties } from './parsers/other-replies.ts';
import { registrationProperties } from './parsers/registration.ts';
import { storedProperties } from './parsers/stored.ts';
import { tokenProperties } from './parsers/tokens.ts';
import { urlProperties } from './parsers/urls.ts';
import type { ParserProperty } from './parser-property.ts';

/** What holds of everything that reads what others wrote. */
export const parserProperties: readonly ParserProperty[] = [
  ...callbackProperties,
  ...challengeProperties,
  ...metadataProperties,
  ...registrationProperties,
  ...tokenProperties,
  ...otherReplyProperties,
  ...urlProperties,
  ...storedProperties,
];
