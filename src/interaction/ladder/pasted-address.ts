/** Why what somebody pasted is no answer of theirs. Nothing has changed for it. */
export type PasteProblem =
  /** No address with an answer in it. */
  | 'unreadable'
  /** The address of the issuer's own page, where they have not consented yet. */
  | 'too early'
  /** Of another sign-in, or of nobody's. */
  | 'foreign'
  | 'of another browser'
  | 'used';

const maxLength = 16_384;

/**
 * The parameters of an address that a person has copied out of their browser, or of its query alone.
 *
 * Where it leads is not looked at: what it holds is bound to its attempt by the state, the issuer and the verifier, and the
 * code is redeemed with the attempt's own redirect URI.
 */
export function readPastedAddress(
  text: string,
): URLSearchParams | Extract<PasteProblem, 'unreadable' | 'too early'> {
  if (text.length > maxLength) return 'unreadable';
  // Terminals break long lines, and chats put signs around addresses; no URL has either in it.
  const bare = text
    .replaceAll(/\s+/gu, '')
    .replace(/^[<"'`(]+/u, '')
    .replace(/[>"'`)]+$/u, '');
  const params = URL.canParse(bare)
    ? new URL(bare).searchParams
    : new URLSearchParams(bare.replace(/^\?/u, ''));
  const isAnswer = params.has('state') && (params.has('code') || params.has('error'));
  if (isAnswer) return params;
  return params.has('response_type') || params.has('request_uri') || params.has('client_id')
    ? 'too early'
    : 'unreadable';
}
