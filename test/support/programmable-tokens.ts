import { createHash, randomBytes } from 'node:crypto';
import { secretMark } from './canaries.ts';

/** One authorization, and every token that descends from it. */
export interface TokenFamily {
  readonly id: string;
  readonly clientId: string;
  readonly scope?: string | undefined;
  readonly resource?: string | undefined;
  readonly subject: string;
  /** The thumbprint of the key its tokens are bound to. */
  readonly jkt?: string | undefined;
  revoked: boolean;
}

/** A code that was handed out, and what it must be redeemed with. */
export interface IssuedCode {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly challenge: string;
  readonly scope: string | undefined;
  readonly resource: string | undefined;
  readonly subject: string;
  used: boolean;
}

export interface TokenRules {
  /** Whether a refresh gives a new refresh token. Default true. */
  readonly rotate?: boolean | undefined;
  /** Whether a spent refresh token ends its family. Default true. */
  readonly reuseRevokes?: boolean | undefined;
  /**
   * What spends a refresh token: that it was presented (default), or that an access token it led to was used, so that
   * an answer which was lost can be asked for again.
   */
  readonly spentBy?: 'refresh' | 'use' | undefined;
  /** What every secret begins with, so that a leak is found without knowing them all. Default: what the suite looks for. */
  readonly mark?: string | undefined;
}

/** Tokens for a family, as an answer carries them. */
export interface IssuedTokens {
  readonly access: string;
  readonly refresh: string | undefined;
  readonly family: TokenFamily;
}

/** One access token, and the refresh token that came with it. */
interface Issue extends IssuedTokens {
  readonly parent: Issue | undefined;
  readonly successors: Issue[];
  /** Its access token was accepted. */
  isUsed: boolean;
  isExpired: boolean;
  /** Its access token is refused once, although it is good. */
  isToBeRefused: boolean;
}

/** Codes and tokens of one server. Reuse of a spent refresh token ends its family, as rotation wants. */
export class ProgrammableTokens {
  readonly codes: Map<string, IssuedCode> = new Map();
  readonly families: TokenFamily[] = [];
  readonly #access = new Map<string, Issue>();
  readonly #refresh = new Map<string, Issue>();
  readonly #rules: TokenRules;
  /** How often a spent refresh token was presented. */
  reuses = 0;
  /** How often a code was presented that this server never issued. */
  foreignCodes = 0;

  constructor(rules: TokenRules = {}) {
    this.#rules = rules;
  }

  /** A text nobody can guess. */
  newSecret(prefix: string): string {
    return `${this.#rules.mark ?? secretMark}${randomText(prefix)}`;
  }

  issueCode(code: Omit<IssuedCode, 'used'>): string {
    const id = this.newSecret('code');
    this.codes.set(id, { ...code, used: false });
    return id;
  }

  /** The code, once. `undefined` when it is unknown, spent, or presented with the wrong things. */
  redeemCode(id: string, presented: URLSearchParams): IssuedCode | undefined {
    const code = this.codes.get(id);
    if (code === undefined) this.foreignCodes++;
    if (code === undefined || code.used) return undefined;
    code.used = true;
    const challenge = s256(presented.get('code_verifier') ?? '');
    const right = code.redirectUri === presented.get('redirect_uri') && code.challenge === challenge;
    return right ? code : undefined;
  }

  issue(family: Omit<TokenFamily, 'id' | 'revoked'>): IssuedTokens & { readonly refresh: string } {
    const whole: TokenFamily = { ...family, id: randomText('family'), revoked: false };
    this.families.push(whole);
    const refresh = this.newSecret('rt');
    return { ...this.#mint(whole, undefined, refresh), refresh };
  }

  /** New tokens for a live refresh token, else `undefined`. */
  refresh(token: string): IssuedTokens | undefined {
    const issue = this.#refresh.get(token);
    if (issue === undefined || issue.family.revoked) return undefined;
    if (this.isSpent(token)) {
      this.reuses++;
      if (this.#rules.reuseRevokes !== false) issue.family.revoked = true;
      return undefined;
    }
    const rotates = this.#rules.rotate !== false;
    return this.#mint(issue.family, issue, rotates ? this.newSecret('rt') : undefined);
  }

  /** Whether presenting this refresh token once more is a reuse. */
  isSpent(refreshToken: string): boolean {
    const successors = this.#refresh.get(refreshToken)?.successors ?? [];
    return successors.some(
      ({ refresh, isUsed }) => refresh !== undefined && (this.#rules.spentBy !== 'use' || isUsed),
    );
  }

  /** Ends the family of a token, as RFC 7009 does for a refresh token. */
  revoke(token: string): boolean {
    const family = this.familyOf(token);
    if (family !== undefined) family.revoked = true;
    return family !== undefined;
  }

  /** Whether an access token is accepted. One that is has been used. */
  isLive(accessToken: string): boolean {
    const issue = this.#access.get(accessToken);
    if (issue === undefined || issue.isExpired || issue.family.revoked) return false;
    if (issue.isToBeRefused) {
      issue.isToBeRefused = false;
      return false;
    }
    for (let used: Issue | undefined = issue; used !== undefined && !used.isUsed; used = used.parent)
      used.isUsed = true;
    return true;
  }

  familyOf(token: string): TokenFamily | undefined {
    return (this.#refresh.get(token) ?? this.#access.get(token))?.family;
  }

  /**
   * Access tokens issued so far are refused from now on; refresh tokens stay good.
   *
   * `of` leaves all but one subject's alone, `inUse` those that were never accepted; `once` refuses each a single time.
   */
  expireAccessTokens({ of, inUse, once }: { of?: string; inUse?: boolean; once?: boolean } = {}): void {
    for (const issue of this.#access.values()) {
      if ((of !== undefined && issue.family.subject !== of) || (inUse === true && !issue.isUsed)) continue;
      if (once === true) issue.isToBeRefused = true;
      else issue.isExpired = true;
    }
  }

  revokeAll(): void {
    for (const family of this.families) family.revoked = true;
  }

  #mint(family: TokenFamily, parent: Issue | undefined, refresh: string | undefined): IssuedTokens {
    const issue: Issue = {
      family,
      parent,
      refresh,
      access: this.newSecret('at'),
      successors: [],
      isUsed: false,
      isExpired: false,
      isToBeRefused: false,
    };
    parent?.successors.push(issue);
    this.#access.set(issue.access, issue);
    if (refresh !== undefined) this.#refresh.set(refresh, issue);
    return issue;
  }
}

export function randomText(prefix: string): string {
  return `${prefix}_${randomBytes(18).toString('base64url')}`;
}

function s256(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}
