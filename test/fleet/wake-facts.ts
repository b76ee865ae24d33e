import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStorageUrl } from '../support/open-storage.ts';
import { openKeyringFile } from '../../src/storage/keyring-file.ts';
import { Member, type FleetPlace } from './member.ts';

export interface WakeFactsOptions {
  readonly storageUrlIn: (directory: string) => string;
  /** How many wakes are measured. */
  readonly wakes: number;
  /** What the figure of this store is called. */
  readonly name: string;
}

/** The longest a wake may take: what a lost signal costs, and a busy machine. The figures are printed, not asserted. */
const boundMs = 2_000;

/** Facts about waits across processes, on one store. */
export function checkWakeFacts({ storageUrlIn, wakes, name }: WakeFactsOptions): void {
  let directory: string;
  let place: FleetPlace;
  const members: Member[] = [];
  let hearing: [Member, Member];
  let deaf: [Member, Member];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'postern-fleet-'));
    place = { storageUrl: storageUrlIn(directory), keyringFile: join(directory, 'postern.keys') };
    const keyring = openKeyringFile(place.keyringFile);
    await (await openStorageUrl(place.storageUrl, { keyring, onWarning: () => {} })).close();
    hearing = [new Member(place), new Member(place)];
    members.push(...hearing);
    await Promise.all(hearing.map((member) => member.started()));
  });

  afterAll(async () => {
    await Promise.all(members.map((member) => member.end()));
    await rm(directory, { recursive: true, force: true });
  });

  test(`a completion in one process wakes the call that waits in another, ${wakes} times`, async () => {
    const [waiting, completing] = hearing;
    const took: number[] = [];
    for (let index = 0; index < wakes; index++)
      took.push(await wakeOnce(waiting, completing, `tenant-${index % 10}`));
    process.stdout.write(`${name}: commit to waiter woken, ${describe(took)}\n`);
    expect(Math.max(...took)).toBeLessThanOrEqual(boundMs);
  });

  test('a parked request is resumed once, by whichever process claims it', async () => {
    const [parking, completing] = hearing;
    const requests = [];
    for (let index = 0; index < 10; index++)
      requests.push(await parkOne(parking, completing, `parked-${index}`));
    for (const { id, ns } of requests) completing.send({ complete: { ns, id } });
    const took = await Promise.all(requests.map(({ id }) => resumedAfter(hearing, completing, id)));
    process.stdout.write(`${name}: commit to parked request resumed, ${describe(took)}\n`);
    expect(Math.max(...took)).toBeLessThanOrEqual(boundMs);
    // The other process has had its chance to do it again.
    await wakeOnce(parking, completing, 'afterwards');
    const keys = hearing.flatMap(({ messages }) =>
      messages.flatMap((message) => ('resumed' in message ? message.resumed.key : [])),
    );
    expect(keys.toSorted()).toEqual(requests.map(({ key }) => key).toSorted());
  });

  test('without a single signal both are found within two seconds', async () => {
    await Promise.all(hearing.map((member) => member.end()));
    deaf = [new Member(place, { isDeaf: true }), new Member(place, { isDeaf: true })];
    members.push(...deaf);
    await Promise.all(deaf.map((member) => member.started()));
    const [waiting, completing] = deaf;
    for (let index = 0; index < 5; index++) {
      const { id, ns } = await parkOne(waiting, completing, `deaf-${index}`);
      waiting.send({ wait: { ns, id } });
      await waiting.heard('waiting', (message) =>
        'waiting' in message && message.waiting.id === id ? true : undefined,
      );
      completing.send({ complete: { ns, id } });
      expect(await wokenAfter(waiting, completing, id)).toBeLessThanOrEqual(boundMs);
      expect(await resumedAfter(deaf, completing, id)).toBeLessThanOrEqual(boundMs);
    }
  });
}

async function create(member: Member, ns: string): Promise<string> {
  const from = member.messages.length;
  member.send({ create: { ns } });
  return member.heard('created', (message) =>
    'created' in message && member.messages.indexOf(message) >= from ? message.created.id : undefined,
  );
}

/** Returns how long a waiter took to wake, in milliseconds after the commit. */
async function wakeOnce(waiting: Member, completing: Member, ns: string): Promise<number> {
  const id = await create(completing, ns);
  waiting.send({ wait: { ns, id } });
  await waiting.heard('waiting', (message) =>
    'waiting' in message && message.waiting.id === id ? true : undefined,
  );
  completing.send({ complete: { ns, id } });
  return wokenAfter(waiting, completing, id);
}

async function wokenAfter(waiting: Member, completing: Member, id: string): Promise<number> {
  const woken = await waiting.heard('woken', (message) =>
    'woken' in message && message.woken.id === id ? message.woken : undefined,
  );
  expect(woken.status).toBe('completed');
  return woken.at - (await committedAt(completing, id));
}

async function parkOne(
  parking: Member,
  creating: Member,
  ns: string,
): Promise<{ id: string; ns: string; key: string }> {
  const id = await create(creating, ns);
  parking.send({ park: { ns, id } });
  const key = await parking.heard('parked', (message) =>
    'parked' in message && message.parked.id === id ? message.parked.key : undefined,
  );
  return { id, ns, key };
}

async function resumedAfter(members: readonly Member[], completing: Member, id: string): Promise<number> {
  const at = await Promise.any(
    members.map((member) =>
      member.heard('resumed', (message) =>
        'resumed' in message && message.resumed.id === id ? message.resumed.at : undefined,
      ),
    ),
  );
  return at - (await committedAt(completing, id));
}

function committedAt(member: Member, id: string): Promise<number> {
  return member.heard('committed', (message) =>
    'committed' in message && message.committed.id === id ? message.committed.at : undefined,
  );
}

function describe(took: readonly number[]): string {
  const sorted = took.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.ceil(share * sorted.length) - 1] ?? 0).toFixed(1);
  return `${took.length} times: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`;
}
