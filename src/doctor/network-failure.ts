/** What kept an answer from coming, as far as the codes of errors tell. */
export type NetworkFailure =
  | 'name-unknown'
  | 'refused'
  | 'silent'
  | 'certificate'
  | 'certificate-name'
  | 'certificate-expired'
  | 'no-way'
  | 'proxy'
  | 'broken';

const kinds: readonly (readonly [NetworkFailure, RegExp])[] = [
  ['name-unknown', /^(?:ENOTFOUND|EAI_\w+|ENODATA)$/u],
  ['refused', /^ECONNREFUSED$/u],
  ['silent', /^(?:ETIMEDOUT|UND_ERR_\w*TIMEOUT|TimeoutError)$/u],
  // What a proxy answers in place of opening a tunnel ends the request so.
  ['proxy', /^UND_ERR_ABORTED$/u],
  ['certificate-expired', /^(?:CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$/u],
  ['certificate-name', /^ERR_TLS_CERT_ALTNAME_INVALID$/u],
  [
    'certificate',
    /^(?:UNABLE_TO_\w+|\w*SELF_SIGNED_CERT\w*|CERT_\w+|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH)$/u,
  ],
  ['no-way', /^(?:EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EACCES|EPERM|EADDRNOTAVAIL)$/u],
];

const maxDepth = 8;

/** The code of a system or TLS error in a chain of causes, and what it comes to. The code is safe to show. */
export function networkFailureOf(error: unknown): { readonly kind: NetworkFailure; readonly code?: string } {
  const all = codesIn(error, 0);
  const codes = all.filter((each) => !each.startsWith('ERR_POSTERN'));
  for (const [kind, pattern] of kinds) {
    const code = codes.find((each) => pattern.test(each));
    if (code !== undefined) return { kind, code };
  }
  const [code] = codes;
  // A deadline of ours has no cause.
  if (code === undefined) return { kind: all.length > 0 && !hasCause(error) ? 'silent' : 'broken' };
  return { kind: 'broken', code };
}

function hasCause(error: unknown): boolean {
  return error instanceof Error && error.cause !== undefined;
}

/** The innermost codes first: what is outside wraps them. */
function codesIn(error: unknown, depth: number): string[] {
  if (depth >= maxDepth || typeof error !== 'object' || error === null) return [];
  const { cause, errors, code, name } = error as {
    cause?: unknown;
    errors?: unknown;
    code?: unknown;
    name?: unknown;
  };
  const inner = [
    ...codesIn(cause, depth + 1),
    ...(Array.isArray(errors) ? errors.slice(0, 8).flatMap((each) => codesIn(each, depth + 1)) : []),
  ];
  const own = [code, name].filter(
    (text): text is string =>
      typeof text === 'string' && (/^[A-Z][A-Z\d_]{2,60}$/u.test(text) || text === 'TimeoutError'),
  );
  return [...inner, ...own];
}
