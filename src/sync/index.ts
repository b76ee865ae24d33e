export { acquireLease, Lease, tryAcquireLease, type LeaseOptions } from './lease.ts';
export { SingleFlight } from './single-flight.ts';
export { storeTime } from './store-time.ts';
export { waitFor, type WaitOptions } from './wait-for.ts';
