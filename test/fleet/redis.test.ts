import { randomUUID } from 'node:crypto';
import { describeWithService } from '../support/services.ts';
import { checkWakeFacts } from './wake-facts.ts';

await describeWithService('redis', 'processes on one Redis', ({ where }) => {
  const prefix = `fleet-${randomUUID()}`;
  checkWakeFacts({ name: 'redis', wakes: 200, storageUrlIn: () => `${where}?prefix=${prefix}` });
});
