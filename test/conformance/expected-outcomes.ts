/** What the client prints, as its last line, when every request it made was answered. */
export const answered = 'answered';

/**
 * How the client must end where it is not to be answered: the code of its error.
 *
 * The suite looks at the requests alone. A client that stops for the wrong reason sends none either.
 */
const refusals: Readonly<Record<string, string>> = {
  'auth/iss-normalized': 'ERR_POSTERN_OAUTH_ISSUER_MISMATCH',
  'auth/iss-supported-missing': 'ERR_POSTERN_OAUTH_ISSUER_MISMATCH',
  'auth/iss-unexpected': 'ERR_POSTERN_OAUTH_ISSUER_MISMATCH',
  'auth/iss-wrong-issuer': 'ERR_POSTERN_OAUTH_ISSUER_MISMATCH',
  'auth/metadata-issuer-mismatch': 'ERR_POSTERN_OAUTH_ISSUER_MISMATCH',
  'auth/resource-mismatch': 'ERR_POSTERN_OAUTH_RESOURCE_MISMATCH',
  'auth/scope-retry-limit': 'ERR_POSTERN_OAUTH_SCOPE_INSUFFICIENT',
  // Its server lists a tool and has no tools/call.
  'json-schema-ref-no-deref': '-32601',
  // One of its tools leaves out `resultType`, which this revision does not allow a server.
  'sep-2322-client-request-state': 'INVALID_RESULT',
};

/** How the client must end in a scenario. */
export function expectedOutcome(scenario: string): string {
  return refusals[scenario] ?? answered;
}

/** The line a client ends with. */
export function outcomeLine(outcome: string): string {
  return `outcome: ${outcome}`;
}

/** What the last line of a client's output says. */
export function readOutcome(stdout: string): string {
  return (
    /^outcome: (?<outcome>\S+)$/u.exec(stdout.trimEnd().split('\n').at(-1) ?? '')?.groups?.['outcome'] ??
    'none'
  );
}
