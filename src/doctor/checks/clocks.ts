import { defineCheck, type Check } from '../check.ts';
import { rfc } from '../specification.ts';

/** What is tolerated where times are compared: assertions and proofs are good for about as long. */
const toleratedMs = 60_000;

export const clocks: Check = defineCheck({
  id: 'clocks',
  title: 'Clocks',
  asks: 'Nothing more: the Date of every answer is compared with this machine’s clock.',
  judges:
    'They are apart by a minute at most. Where several hosts agree, it is this machine’s clock that is wrong.',
  specification: [rfc(9110, '6.6.1'), rfc(7519, '4.1.4'), rfc(9449, '11.1')],
  findings: {
    'clocks.apart': {
      severity: 'warning',
      fixedBy: 'server',
      meaning:
        'A host’s clock and this machine’s are apart: tokens look expired or not valid yet, and signed proofs are refused.',
      fix: 'Set the clock by the network (NTP).',
      specification: rfc(9110, '6.6.1'),
    },
    'clocks.ours-wrong': {
      severity: 'problem',
      fixedBy: 'person',
      meaning: 'This machine’s clock is wrong: the hosts agree with each other, and not with it.',
      fix: 'Set this machine’s clock by the network (NTP).',
      specification: rfc(7519, '4.1.4'),
    },
  },
  run(step) {
    const skews = [...step.known.skews];
    if (skews.length === 0) return step.skip('no answer had a Date');
    const apart = skews.filter(([, skewMs]) => Math.abs(skewMs) > toleratedMs);
    step.fact(
      skews
        .map(([host, skewMs]) => `${host}: ${describeSkew(skewMs)}`)
        .slice(0, 6)
        .join('; '),
    );
    if (apart.length === 0) return;
    const values = apart.map(([, skewMs]) => skewMs);
    const agree = Math.max(...values) - Math.min(...values) <= toleratedMs;
    if (apart.length > 1 && apart.length === skews.length && agree) {
      return step.find('clocks.ours-wrong', {
        what: `All hosts are ${describeSkew(values[0] ?? 0)} of this machine.`,
      });
    }
    for (const [host, skewMs] of apart.slice(0, 5)) {
      step.find('clocks.apart', {
        what: `The clock of ${host} is ${describeSkew(skewMs)} of this machine’s${skews.length === 1 ? '; which of the two is wrong is not known' : ''}.`,
      });
    }
  },
});

function describeSkew(skewMs: number): string {
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  if (seconds < 2) return 'as ours';
  const size =
    seconds < 120
      ? `${seconds} s`
      : seconds < 7_200
        ? `${Math.round(seconds / 60)} min`
        : `${Math.round(seconds / 3_600)} h`;
  return `${size} ${skewMs > 0 ? 'ahead' : 'behind'}`;
}
