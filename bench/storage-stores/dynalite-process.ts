/** Serves DynamoDB's protocol, from memory, until it is killed. Prints its port. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
// @ts-expect-error -- it has no types
import createDynalite from 'dynalite';

const server = (createDynalite as (options: object) => Server)({ createTableMs: 0 }).listen(0, '127.0.0.1');
await once(server, 'listening');
console.log((server.address() as AddressInfo).port);
