/** Goes on without PKCE being advertised. The challenge is sent all the same. */
export const allowPkceUnadvertised: unique symbol = Symbol('postern.allowPkceUnadvertised');

/** Names an issuer whose metadata may carry another `issuer` than the one it was asked of. */
export const allowIssuerMismatch: unique symbol = Symbol('postern.allowIssuerMismatch');
