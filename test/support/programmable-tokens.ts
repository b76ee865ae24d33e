import { createHash, randomBytes } from 'node:crypto';

/** One authorization, and every token that descends from it. */
export interface TokenFamily {
  readonly id: string;
  readonly clientId: string;
  readonly scope: string | undefined;
  readonly resource: string | undefined;
  readonly subject: string;
  /** The thumbprint of the key its tokens are bound to. */
  readonly jkt: string | undefined;
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

interface TokenRecord {
  readonly family: TokenFamily;
  spent: boolean;
}

/** Codes and tokens of one server. Reuse of a spent refresh token ends its family, as rotation wants. */
export class ProgrammableTokens {
  readonly codes: Map<string, IssuedCode> = new Map();
  readonly families: TokenFamily[] = [];
  readonly #access = new Map<string, TokenRecord>();
  readonly #refresh = new Map<string, TokenRecord>();
  readonly #rotate: boolean;
  readonly #reuseRevokes: boolean;
  /** How often a spent refresh token was presented. */
  reuses = 0;

  constructor(options: { readonly rotate: boolean; readonly reuseRevokes: boolean }) {
    this.#rotate = options.rotate;
    this.#reuseRevokes = options.reuseRevokes;
  }

  issueCode(code: Omit<IssuedCode, 'used'>): string {
    const id = randomText('code');
    this.codes.set(id, { ...code, used: false });
    return id;
  }

  /** The code, once. `undefined` when it is unknown, spent, or presented with the wrong things. */
  redeemCode(id: string, presented: URLSearchParams): IssuedCode | undefined {
    const code = this.codes.get(id);
    const challenge = s256(presented.get('code_verifier') ?? '');
    if (code === undefined || code.used) return undefined;
    code.used = true;
    const right = code.redirectUri === presented.get('redirect_uri') && code.challenge === challenge;
    return right ? code : undefined;
  }

  issue(family: Omit<TokenFamily, 'id' | 'revoked'>): {
    access: string;
    refresh: string;
    family: TokenFamily;
  } {
    const whole: TokenFamily = { ...family, id: randomText('family'), revoked: false };
    this.families.push(whole);
    return { ...this.#mint(whole), family: whole };
  }

  /** New tokens for a live refresh token, else `undefined`. */
  refresh(token: string): { access: string; refresh: string | undefined; family: TokenFamily } | undefined {
    const record = this.#refresh.get(token);
    if (record === undefined || record.family.revoked) return undefined;
    if (record.spent) {
      this.reuses++;
      if (this.#reuseRevokes) record.family.revoked = true;
      return undefined;
    }
    if (!this.#rotate)
      return { access: this.#mintAccess(record.family), refresh: undefined, family: record.family };
    record.spent = true;
    return { ...this.#mint(record.family), family: record.family };
  }

  /** Ends the family of a token, as RFC 7009 does for a refresh token. */
  revoke(token: string): boolean {
    const record = this.#refresh.get(token) ?? this.#access.get(token);
    if (record === undefined) return false;
    record.family.revoked = true;
    return true;
  }

  isLive(accessToken: string): boolean {
    const record = this.#access.get(accessToken);
    return record !== undefined && !record.spent && !record.family.revoked;
  }

  familyOf(token: string): TokenFamily | undefined {
    return (this.#access.get(token) ?? this.#refresh.get(token))?.family;
  }

  /** Every access token so far is refused from now on; refresh tokens stay good. */
  expireAccessTokens(): void {
    for (const record of this.#access.values()) record.spent = true;
  }

  revokeAll(): void {
    for (const family of this.families) family.revoked = true;
  }

  #mint(family: TokenFamily): { access: string; refresh: string } {
    const refresh = randomText('rt');
    this.#refresh.set(refresh, { family, spent: false });
    return { access: this.#mintAccess(family), refresh };
  }

  #mintAccess(family: TokenFamily): string {
    const access = randomText('at');
    this.#access.set(access, { family, spent: false });
    return access;
  }
}

export function randomText(prefix: string): string {
  return `${prefix}_${randomBytes(18).toString('base64url')}`;
}

function s256(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}
