import type * as Crypto from 'node:crypto';
import type * as Dns from 'node:dns';
import type * as Http from 'node:http';
import type * as Https from 'node:https';
import type * as Tls from 'node:tls';
import type * as Zlib from 'node:zlib';

/**
 * Node's HTTP. An `import` of `node:http` reads every name that it exports, `WebSocket` among them, and that one loads
 * undici and HTTP/2: a third of what a first request costs, and nothing of it is used here.
 */
export const http: typeof Http = process.getBuiltinModule('node:http');

/** What a request to an address does not need. An `import` of `node:dns` reads its promises, too. */
export const dns = (): typeof Dns => process.getBuiltinModule('node:dns');
/** What certificates need. An `import` of `node:crypto` reads the web's cryptography, too. */
export const crypto = (): typeof Crypto => process.getBuiltinModule('node:crypto');
/** What a request in the clear does not need. */
export const https = (): typeof Https => process.getBuiltinModule('node:https');
export const tls = (): typeof Tls => process.getBuiltinModule('node:tls');
/** What an answer needs that is compressed. */
export const zlib = (): typeof Zlib => process.getBuiltinModule('node:zlib');
