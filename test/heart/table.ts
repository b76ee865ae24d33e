import { describe, expect, test } from 'vitest';
import { clientAtTerminal, clientDeployed } from './set-ups/client.ts';
import { serverOnStdio } from './set-ups/server-on-stdio.ts';
import { serverDeployed, serverDeployedForm } from './set-ups/server.ts';
import type { HeartStage, SetUp, SetUpName } from './set-ups/set-up.ts';

const setUps: readonly SetUp[] = [
  clientDeployed,
  clientAtTerminal,
  serverDeployed,
  serverDeployedForm,
  serverOnStdio,
];

/** One fact that holds however the heart is used. */
export interface Case {
  readonly fact: string;
  readonly check: (stage: HeartStage) => Promise<void>;
  /** Where it does not apply, and why. */
  readonly except?: Partial<Record<SetUpName, string>>;
  /** Where it does not hold yet, and which issue says so. */
  readonly broken?: Partial<Record<SetUpName, string>>;
}

/** Runs every case over every set-up. Cells that are left out are printed with their reason. */
export function runTable(title: string, cases: readonly Case[], more: readonly SetUp[] = []): void {
  const all = [...setUps, ...more];
  describe(`${title}, in every set-up`, () => {
    for (const setUp of all) {
      const { name } = setUp;
      if (cases.every(({ except }) => except?.[name] !== undefined)) continue;
      describe(`in the set-up ${name}`, () => {
        for (const { fact, check, except, broken } of cases) {
          if (except?.[name] !== undefined) continue;
          const issue = broken?.[name];
          // What mends the issue takes the entry away: a fact that holds fails here.
          test(
            `${fact}${issue === undefined ? '' : ` (issue ${issue})`}`,
            { fails: issue !== undefined },
            async () => {
              await check(await setUp.open());
            },
          );
        }
      });
    }

    test('every cell that is left out says why, and every fact is tried somewhere', () => {
      const reasons = cases.flatMap(({ fact, except = {} }) =>
        all.flatMap(({ name }) => {
          const reason = except[name];
          return reason === undefined ? [] : [{ fact, name, reason }];
        }),
      );
      for (const { fact, name, reason } of reasons) {
        console.info(`${title} | ${fact} | ${name} | does not apply: ${reason}`);
        expect(reason.length).toBeGreaterThan(20);
      }
      for (const { fact, except = {}, broken = {} } of cases) {
        expect(Object.keys(except).filter((name) => Object.hasOwn(broken, name))).toEqual([]);
        expect(
          all.filter(({ name }) => except[name] === undefined),
          fact,
        ).not.toEqual([]);
      }
    });
  });
}
