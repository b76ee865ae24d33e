import type { Column, Finding, Findings } from '../columns.ts';

/** Notes what each column's check finds. A check that throws has found that the column does not hold. */
export class Story {
  readonly findings: Findings = {};
  #broken: Column | undefined;

  /** Tries one column. `needed`: nothing that follows can be tried without it. */
  async check(
    column: Column,
    check: () => Promise<string>,
    options: { needed?: boolean } = {},
  ): Promise<void> {
    const finding = await this.#find(check);
    this.findings[column] = finding;
    if (options.needed === true && !finding.holds) this.#broken = column;
  }

  async #find(check: () => Promise<string>): Promise<Finding> {
    if (this.#broken !== undefined) return { holds: false, detail: '', blockedBy: this.#broken };
    try {
      return { holds: true, detail: await check() };
    } catch (error) {
      return { holds: false, detail: (error instanceof Error ? error.message : String(error)).slice(0, 600) };
    }
  }
}

/** @throws {Error} saying what was expected and what there was. */
export function expect(fact: boolean, otherwise: string): asserts fact {
  if (!fact) throw new Error(otherwise);
}
