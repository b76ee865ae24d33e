import * as z from 'zod';
import { PosternError } from '../../core/postern-error.ts';
import type { Account } from '../../interaction/credential-kind.ts';
import { keptCredential, type KeptCredential } from '../../interaction/credentials/kept-credential.ts';
import type { Forgotten } from '../../interaction/credentials/retirements.ts';
import { storageOf } from '../../namespace/namespace.ts';
import { Collection } from '../../storage/collection.ts';
import { defaultAlias, type CredentialRequest } from '../credential-request.ts';
import type { CallServices } from '../call.ts';
import type { Principal } from '../principal.ts';
import { readHandle, type Handle } from './handle.ts';
import type { LoginToolOptions } from './login-tool-options.ts';

/** An account that a person has logged in to; with the condition `over`, one that they have to log in to again. */
export interface LoginAccount extends Pick<
  KeptCredential,
  'scopes' | 'condition' | 'obtainedAtMs' | 'personNeededAtMs'
> {
  /** What it is called: as its person has said, else as its service does, else `default`. */
  readonly handle: string;
  /** The alias its credential is kept under. */
  readonly alias: string;
  readonly isDefault: boolean;
  /** What its issuer says whose it is. */
  readonly account?: Account | undefined;
}

/** What became of an account that was logged out, or of a login that was called off before there was one. */
export interface DeletedAccount {
  readonly handle: string;
  readonly was: 'account' | 'login';
  readonly forgotten: Forgotten;
}

/** An account, with all places where something of it is kept, the newest first. */
interface Group extends Omit<LoginAccount, 'isDefault'> {
  readonly aliases: readonly string[];
}

const choiceRecord = z.looseObject({ alias: z.string() });

/**
 * The accounts that people have at one service, each by its name, with one of them the default.
 *
 * A login without a name is kept under `default`, or, where another account is, under `default-2` and so on; what the
 * service calls that account is its name then. Everything is the caller's own: a principal sees no other's.
 */
export class LoginAccounts<C = unknown> {
  readonly #services: Pick<CallServices, 'credentials' | 'interactions'>;
  readonly #options: LoginToolOptions<C>;

  constructor(services: Pick<CallServices, 'credentials' | 'interactions'>, options: LoginToolOptions<C>) {
    this.#services = services;
    this.#options = options;
  }

  /** Those that are logged in, by name; the default one first. */
  async list(principal: Principal): Promise<LoginAccount[]> {
    const groups = await this.#groups(principal);
    const chosen = await this.#defaultOf(principal, groups);
    return groups
      .map(({ aliases: _aliases, ...account }) => ({
        ...account,
        isDefault: account.alias === chosen?.alias,
      }))
      .toSorted((a, b) => Number(b.isDefault) - Number(a.isDefault) || (a.handle < b.handle ? -1 : 1));
  }

  /**
   * What to ask `context.credential` and `oob.credentials` for, to have the credential of an account.
   *
   * @param handle left out: the default account. Of an account that is not logged in, the person is asked for it.
   * @throws {PosternError} ERR_POSTERN_OOB_LOGIN_INVALID when no account can be called like that.
   *
   * @example
   * ```ts
   * const grant = await context.credential(await login.accounts.request(context.principal, args.account));
   * ```
   */
  async request(principal: Principal, handle?: string): Promise<CredentialRequest<C>> {
    const named = this.#read(handle);
    const groups = await this.#groups(principal);
    const found = named === undefined ? await this.#defaultOf(principal, groups) : findGroup(groups, named);
    return this.#requestFor(found?.alias ?? named?.alias ?? defaultAlias, named);
  }

  /**
   * What to ask for in a login: of the named account, or, without a name, of whichever account its person chooses at the
   * service, beside those that are there.
   *
   * @throws {PosternError} ERR_POSTERN_OOB_LOGIN_INVALID when no account can be called like that.
   */
  async loginRequest(principal: Principal, handle: string | undefined): Promise<CredentialRequest<C>> {
    const named = this.#read(handle);
    const groups = await this.#groups(principal);
    await this.#settle(principal, groups);
    if (named !== undefined) return this.#requestFor(findGroup(groups, named)?.alias ?? named.alias, named);
    for (let count = 1; ; count++) {
      const alias = count === 1 ? defaultAlias : `${defaultAlias}-${count}`;
      const kept = groups.find((group) => group.alias === alias);
      // An account that its service does not name cannot be told from the next one: that takes its place.
      if (kept?.account?.subject === undefined || (await this.#isAskedAnew(principal, kept)))
        return this.#requestFor(alias, undefined);
    }
  }

  /**
   * Makes an account the default one.
   *
   * @throws {PosternError} ERR_POSTERN_OOB_LOGIN_INVALID naming those that there are, when there is no such account.
   */
  async setDefault(principal: Principal, handle: string | undefined): Promise<LoginAccount> {
    const { aliases: _aliases, ...account } = await this.#get(principal, handle);
    await this.#choices(principal).put([this.#options.resource], { alias: account.alias });
    return { ...account, isDefault: true };
  }

  /**
   * Logs an account out: takes its credential out of use, ends it at its issuer, and forgets it. A login that is under way
   * for it is withdrawn, and what comes of one that was begun before is not kept.
   *
   * @throws {PosternError} ERR_POSTERN_OOB_LOGIN_INVALID naming those that there are, when there is no such account.
   */
  async delete(principal: Principal, handle: string | undefined): Promise<DeletedAccount> {
    const { resource } = this.#options;
    const named = this.#read(handle);
    const groups = await this.#groups(principal);
    const found = named && findGroup(groups, named);
    const { credentials } = this.#services;
    if (named !== undefined && found === undefined) {
      const live = await credentials.findInteraction(principal, resource, named.alias);
      if (live === undefined) throw unknownAccount(named.alias, groups);
      const forgotten = await credentials.forget(principal, resource, named.alias);
      return { handle: named.alias, was: 'login', forgotten };
    }
    if (found === undefined) throw unnamedAccount(groups);
    const choices = this.#choices(principal);
    const choice = await choices.findReadable(resource);
    if (choice !== undefined && found.aliases.includes(choice.value.alias)) await choices.delete([resource]);
    // One after the other: to end the newest may have ended the others.
    let forgotten: Forgotten = { revocation: 'nothing' };
    for (const alias of found.aliases) {
      const ended = await credentials.forget(principal, resource, alias);
      if (forgotten.revocation === 'nothing' || forgotten.revocation === 'confirmed') forgotten = ended;
    }
    return { handle: found.handle, was: 'account', forgotten };
  }

  /** Whether somebody waits for an account that is no longer good: then its person is being asked for that one. */
  async #isAskedAnew(principal: Principal, { condition, alias }: Group): Promise<boolean> {
    if (condition !== 'over') return false;
    const { credentials } = this.#services;
    return (await credentials.findInteraction(principal, this.#options.resource, alias)) !== undefined;
  }

  /** What a handle is called here. @throws {PosternError} ERR_POSTERN_OOB_LOGIN_INVALID */
  #read(handle: string | undefined): Handle | undefined {
    return readHandle(handle, this.#options.normalizeHandle);
  }

  #requestFor(alias: string, named: Handle | undefined): CredentialRequest<C> {
    const { resource, flow, scopes, details } = this.#options;
    return { resource, alias, flow, scopes, loginHint: named?.hint, details: details?.(named?.hint) };
  }

  async #get(principal: Principal, handle: string | undefined): Promise<Group> {
    const named = this.#read(handle);
    const groups = await this.#groups(principal);
    if (named === undefined) throw unnamedAccount(groups);
    const found = findGroup(groups, named);
    if (found === undefined) throw unknownAccount(named.alias, groups);
    return found;
  }

  /** What is kept, by account: of one that was logged in to twice, the newer counts. */
  async #groups(principal: Principal): Promise<Group[]> {
    const { credentials, surroundings } = this.#services.interactions;
    const { resource, flow } = this.#options;
    const kind = flow.flow.credential;
    const nowMs = await surroundings.now();
    const kept = (await credentials.in(principal.namespace).list({ resource, ended: true }))
      .filter(({ value }) => value.kind === kind.name)
      .map((stored) => keptCredential(stored, kind, nowMs))
      .toSorted((a, b) => b.obtainedAtMs - a.obtainedAtMs);
    const groups = new Map<string, Group>();
    for (const { alias, account, scopes, condition, obtainedAtMs, personNeededAtMs } of kept) {
      const subject = account?.subject;
      const key = JSON.stringify(subject === undefined ? [alias] : [account?.issuer, subject]);
      const known = groups.get(key);
      groups.set(
        key,
        known === undefined
          ? {
              handle: (isUnnamed(alias) ? account?.name : undefined) ?? alias,
              alias,
              aliases: [alias],
              scopes,
              condition,
              obtainedAtMs,
              personNeededAtMs,
              account,
            }
          : // A name that its person has given stays, whichever of its places is the newest.
            {
              ...known,
              handle: isUnnamed(known.alias) && !isUnnamed(alias) ? alias : known.handle,
              aliases: [...known.aliases, alias],
            },
      );
    }
    return [...groups.values()];
  }

  /** The account that was made the default one, else the first that was logged in to. */
  async #defaultOf(principal: Principal, groups: readonly Group[]): Promise<Group | undefined> {
    const choice = await this.#choices(principal).findReadable(this.#options.resource);
    const chosen = choice && groups.find(({ aliases }) => aliases.includes(choice.value.alias));
    return chosen ?? groups.toSorted((a, b) => a.obtainedAtMs - b.obtainedAtMs)[0];
  }

  /** Before another login: the default stays what it is, and what was kept of an account before makes room where it has no name. */
  async #settle(principal: Principal, groups: readonly Group[]): Promise<void> {
    const chosen = await this.#defaultOf(principal, groups);
    if (chosen !== undefined)
      await this.#choices(principal).put([this.#options.resource], { alias: chosen.alias });
    const { credentials } = this.#services.interactions;
    const { resource } = this.#options;
    for (const { aliases } of groups) {
      for (const alias of aliases.slice(1).filter(isUnnamed)) {
        // Not revoked: to end one of an account's grants ends, at some issuers, all of them.
        await credentials.drop({ namespace: principal.namespace, resource, alias });
      }
    }
  }

  #choices({ namespace }: Principal): Collection<z.infer<typeof choiceRecord>> {
    const { storage, onUnreadable } = this.#services.interactions.surroundings;
    const choices = storageOf(storage, namespace).namespace('default-account');
    return new Collection(choices, choiceRecord, onUnreadable);
  }
}

/** Whether a place has its name from nobody. */
export function isUnnamed(alias: string): boolean {
  return alias === defaultAlias || /^default-\d+$/u.test(alias);
}

function findGroup(groups: readonly Group[], { alias }: Handle): Group | undefined {
  return (
    groups.find(({ aliases, handle }) => aliases.includes(alias) || handle.toLowerCase() === alias) ??
    groups.find(({ account }) => account?.name?.toLowerCase() === alias)
  );
}

function unknownAccount(handle: string, groups: readonly Group[]): PosternError {
  return new PosternError('ERR_POSTERN_OOB_LOGIN_INVALID', `there is no account ${JSON.stringify(handle)}`, {
    hint: `${accountsWords(groups)} To log in to another one: command "login" with its handle.`,
  });
}

function unnamedAccount(groups: readonly Group[]): PosternError {
  return new PosternError('ERR_POSTERN_OOB_LOGIN_INVALID', 'no account is named', {
    hint: `Say which account, as "handle". ${accountsWords(groups)}`,
  });
}

function accountsWords(groups: readonly Group[]): string {
  if (groups.length === 0) return 'Nobody is logged in.';
  return `Logged in: ${groups.map(({ handle }) => JSON.stringify(handle)).join(', ')}.`;
}
