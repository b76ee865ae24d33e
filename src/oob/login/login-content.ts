import type { Interaction } from '../../interaction/interaction-required-error.ts';
import { pendingContent, type PendingContent } from '../call-answers.ts';
import { isUnnamed, type LoginAccount } from './login-accounts.ts';
import type { Login, LoginStatus } from './logins.ts';

/** A login that has begun, as a program reads it in `structuredContent.pending`. */
export interface LoginPendingContent extends PendingContent {
  readonly status: 'pending';
  readonly handle?: string;
}

/** An account, as a program reads it in `structuredContent.accounts`. Times are RFC 3339. */
export interface LoginAccountContent {
  readonly handle: string;
  readonly default: boolean;
  readonly condition: LoginAccount['condition'];
  readonly since: string;
  /** What its service calls it. */
  readonly name?: string;
  readonly subject?: string;
}

/** A login, as a program reads it in `structuredContent.logins`. Times are RFC 3339. */
export interface LoginContent {
  readonly id: string;
  readonly handle?: string;
  readonly status: LoginStatus;
  readonly url?: string;
  readonly startedAt: string;
  readonly expiresAt: string;
  readonly code?: string;
  readonly why?: string;
}

export function contentOfInteraction(interaction: Interaction): LoginPendingContent {
  const { alias = '' } = interaction;
  return { ...pendingContent(interaction), status: 'pending', ...(!isUnnamed(alias) && { handle: alias }) };
}

export function contentOfAccount(of: LoginAccount): LoginAccountContent {
  const { handle, isDefault, condition, obtainedAtMs, account } = of;
  return {
    handle,
    default: isDefault,
    condition,
    since: new Date(obtainedAtMs).toISOString(),
    ...(account?.name !== undefined && { name: account.name }),
    ...(account?.subject !== undefined && { subject: account.subject }),
  };
}

export function contentOfLogin(login: Login): LoginContent {
  const { id, handle, status, url, startedAtMs, expiresAtMs, code, why } = login;
  return {
    id,
    ...(handle !== undefined && { handle }),
    status,
    ...(url !== undefined && { url }),
    startedAt: new Date(startedAtMs).toISOString(),
    expiresAt: new Date(expiresAtMs).toISOString(),
    ...(code !== undefined && { code }),
    ...(why !== undefined && { why }),
  };
}
