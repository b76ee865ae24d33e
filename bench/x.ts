import { refreshStorm } from './refresh-storm.ts';
import { formatOutcome } from './report.ts';
const result = await refreshStorm.run({ quick: true, rounds: undefined, peers: true, progress: console.error });
console.log(formatOutcome({ name: 'x', result }));
