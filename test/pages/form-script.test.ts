import { expect, test } from 'vitest';
import { secretForm, type FormField } from '../../src/oob/index.ts';
import { openFlowStage } from '../support/flow-stage.ts';

test.each<[string, FormField, number]>([
  ['a password', { type: 'string', writeOnly: true }, 1],
  [
    'a key of several lines, which is shown as it is entered',
    { type: 'string', writeOnly: true, format: 'multiline' },
    0,
  ],
  ['nothing secret', { type: 'string' }, 0],
])(
  'a form that asks for %s runs a script only where there is something to show',
  async (_what, field, scripts) => {
    const stage = await openFlowStage();
    const flow = stage.oob.flow('form', secretForm({ type: 'object', properties: { field } }));
    const { url } = await stage.linkOf('alice', flow);
    const { html } = await (await stage.host.openBrowser('alice')).open(url);
    expect(html.match(/<script/gu) ?? []).toHaveLength(scripts);
  },
);
