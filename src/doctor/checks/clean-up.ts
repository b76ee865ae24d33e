import { isPosternError } from '../../core/postern-error.ts';
import { defineCheck, type Check } from '../check.ts';
import { deleteClient } from '../registered-client.ts';
import { rfc } from '../specification.ts';

export const cleanUp: Check = defineCheck({
  id: 'clean-up',
  title: 'Leaving nothing behind',
  asks: 'With `--register`: the deletion of the client that was registered for the examination.',
  judges: 'The client is gone.',
  specification: [rfc(7592, '2.3')],
  findings: {
    'clean-up.client-left': {
      severity: 'note',
      fixedBy: 'person',
      meaning: 'The issuer offers no way to delete the client that was registered for the examination.',
      fix: 'Nothing: it has no grants, and most issuers forget it. Who minds deletes it there by its id.',
      specification: rfc(7592, '2.3'),
    },
  },
  always: true,
  async run(step) {
    const { registered, client, isFresh } = step.known;
    if (isFresh !== true) return step.skip('nothing was registered');
    const id = client === undefined ? '' : ` Its id is ${JSON.stringify(step.redact(client.clientId, 120))}.`;
    try {
      if (await deleteClient(registered ?? {}, step.http)) return step.fact('the client is deleted again');
      step.find('clean-up.client-left', {
        what: `The registration brought no address to delete the client at.${id}`,
      });
    } catch (error) {
      if (step.signal.aborted || !isPosternError(error)) throw error;
      step.find('clean-up.client-left', { what: `It could not be deleted: ${error.message}.${id}` });
    }
  },
});
