import * as z from 'zod';
import type { ZodType } from 'zod';
import { sleep } from '../../core/clock.ts';
import { formId } from '../../web/form-request.ts';
import { SingleFlight } from '../../sync/single-flight.ts';
import { dataOf, type FlowVisit } from '../flow.ts';
import { isEnded } from '../is-ended.ts';

/** What trying a form's values at their service has shown: `late` when it took too long, `untried` when it could not be done. */
export type TryOutcome = 'accepted' | 'rejected' | 'late' | 'untried';

/** What came of a form. `too many`: it was not tried any more. */
export type FormOutcome = TryOutcome | 'too many';

export interface FormTriesOptions {
  readonly maxTries: number;
  /** After this long, whoever tries a form counts as dead. */
  readonly patienceMs: number;
}

interface TriesData {
  readonly tries: number;
  readonly forms: Readonly<Record<string, 'trying' | Exclude<TryOutcome, 'accepted'>>>;
}

const tryState = z.enum(['trying', 'rejected', 'late', 'untried']);
const triesData: ZodType<TriesData> = z.looseObject({
  tries: z.number(),
  forms: z.record(z.string(), tryState),
});

/** What a pending carries before anything was tried. */
export const noTries: TriesData = { tries: 0, forms: {} };

/** How often a form that another process tries is looked at. */
const lookMs = 100;

/** One form, one try: however often it is sent, and to whichever process, all are told what came of the first. */
export class FormTries {
  readonly #options: FormTriesOptions;
  readonly #flights = new SingleFlight<FormOutcome>();

  constructor(options: FormTriesOptions) {
    this.#options = options;
  }

  /**
   * What came of a form. `finish` ends the interaction with one that was accepted, before anybody is told of it.
   *
   * @throws {PosternError} ERR_POSTERN_PENDING_ALREADY_FINISHED when the interaction has ended.
   */
  async outcomeOf(
    form: URLSearchParams,
    visit: FlowVisit,
    work: { readonly attempt: () => Promise<TryOutcome>; readonly finish: () => Promise<void> },
  ): Promise<FormOutcome> {
    const id = await formId(form);
    return this.#flights.run(`${visit.pending.id} ${id}`, async () => {
      const begun = await this.#begin(id, visit);
      if (begun === 'trying') return this.#follow(id, visit);
      if (begun !== 'begun') return begun;
      const outcome = await work.attempt();
      if (outcome === 'accepted') await work.finish();
      else await remember(id, outcome, visit);
      return outcome;
    });
  }

  /** Counted before it is tried: many at once are no more than one after the other. */
  async #begin(id: string, visit: FlowVisit): Promise<'begun' | 'trying' | FormOutcome> {
    let known: 'begun' | 'trying' | FormOutcome = 'begun';
    await visit.update((stored) => {
      const { tries, forms } = triesData.parse(stored);
      known = forms[id] ?? (tries < this.#options.maxTries ? 'begun' : 'too many');
      return known === 'begun' ? { tries: tries + 1, forms: { ...forms, [id]: 'trying' } } : stored;
    });
    return known;
  }

  /** Another process tries it, or has died while it did. */
  async #follow(id: string, visit: FlowVisit): Promise<FormOutcome> {
    const deadline = performance.now() + this.#options.patienceMs;
    while (performance.now() < deadline) {
      await sleep(lookMs);
      const { forms } = triesData.parse(dataOf((await visit.look()) ?? visit.pending).data);
      const known = forms[id];
      if (known !== undefined && known !== 'trying') return known;
    }
    return 'untried';
  }
}

/** What was found stands, also when the interaction has ended meanwhile. */
async function remember(
  id: string,
  outcome: Exclude<TryOutcome, 'accepted'>,
  visit: FlowVisit,
): Promise<void> {
  try {
    await visit.update((stored) => {
      const { tries, forms } = triesData.parse(stored);
      return { tries, forms: { ...forms, [id]: outcome } };
    });
  } catch (error) {
    if (!isEnded(error)) throw error;
  }
}
