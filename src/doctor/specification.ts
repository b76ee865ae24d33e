/** A place in a specification that a verdict goes by. */
export interface Specification {
  /** `RFC 8414`, or `MCP 2026-07-28, Authorization`. */
  readonly name: string;
  /** A number, or a heading. */
  readonly section: string;
  readonly url: string;
}

/** The revision of MCP whose pages are named. */
const revision = '2026-07-28';

const pages = {
  Authorization: 'basic/authorization',
  'Authorization Server Discovery': 'basic/authorization/authorization-server-discovery',
  'Client Registration': 'basic/authorization/client-registration',
  'Security Considerations': 'basic/authorization/security-considerations',
  Transports: 'basic/transports',
  Versioning: 'basic/versioning',
  Discovery: 'server/discover',
  Elicitation: 'client/elicitation',
} as const;

/** A section of an RFC. */
export function rfc(number: number, section: string): Specification {
  const url = `https://www.rfc-editor.org/rfc/rfc${number}#section-${section}`;
  return { name: `RFC ${number}`, section, url };
}

/** A section of a page of the Model Context Protocol. */
export function mcp(page: keyof typeof pages, section: string): Specification {
  const url = `https://modelcontextprotocol.io/specification/${revision}/${pages[page]}`;
  return { name: `MCP ${revision}, ${page}`, section, url };
}

/** `RFC 8414 §3.3`, `MCP 2026-07-28, Authorization: Scope Selection Strategy`. */
export function citeSpecification({ name, section }: Specification): string {
  return /^[\d.]+$/u.test(section) ? `${name} §${section}` : `${name}: ${section}`;
}
