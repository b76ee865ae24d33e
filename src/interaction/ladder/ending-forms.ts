import * as z from 'zod';
import { hashId } from '../../core/random.ts';
import type { Pending } from '../../pending/pending.ts';
import { Collection } from '../../storage/collection.ts';
import type { Change } from '../../storage/contract.ts';
import type { NamespacedStorage } from '../../storage/namespaced-storage.ts';

const endingForm = z.looseObject({ form: z.string() });
/** As long as the pending's end is remembered. */
const afterlifeMs = 24 * 60 * 60_000;

/** Which form has ended an interaction. That one, sent again, is told how it ended; any other, that it was not used. */
export class EndingForms {
  readonly #records: Collection<z.infer<typeof endingForm>>;

  constructor(storage: NamespacedStorage) {
    this.#records = new Collection(storage.namespace('ending-form'), endingForm);
  }

  /** The change that remembers it, to be committed with the end. */
  async remembering({ id, expiresAtMs }: Pending, form: string): Promise<Change> {
    return this.#records.putting([await hashId(id)], { form }, { expiresAtMs: expiresAtMs + afterlifeMs });
  }

  async has({ id }: Pending, form: string): Promise<boolean> {
    return (await this.#records.findReadable(await hashId(id)))?.value.form === form;
  }
}
