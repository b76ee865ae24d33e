import { expect, test } from 'vitest';
import { capabilitiesOf } from './client-handlers.ts';

const elicitation = (): { action: 'decline' } => ({ action: 'decline' });

test('a client without handlers declares that it can do nothing', () => {
  expect(capabilitiesOf({})).toEqual({});
});

test('a handler for questions declares both ways of asking, unless one is named', () => {
  expect(Object.keys(capabilitiesOf({ elicitation }).elicitation ?? {})).toEqual(['form', 'url']);
  expect(Object.keys(capabilitiesOf({ elicitation, elicitationModes: ['url'] }).elicitation ?? {})).toEqual([
    'url',
  ]);
});

test('modes without a handler declare nothing', () => {
  expect(capabilitiesOf({ elicitationModes: ['form'] })).toEqual({});
});

test('each capability follows from its own handler', () => {
  const roots = (): [] => [];
  const sampling = (): never => {
    throw new Error('not called');
  };
  expect(Object.keys(capabilitiesOf({ roots }))).toEqual(['roots']);
  expect(Object.keys(capabilitiesOf({ sampling }))).toEqual(['sampling']);
});
