/* oxlint-disable vitest/no-conditional-tests, vitest/valid-describe-callback, vitest/valid-title, vitest/expect-expect, vitest/no-disabled-tests -- it makes suites, it is none */
import { existsSync } from 'node:fs';
import { connect } from 'node:net';

import { describe, test } from 'vitest';

import { findChromium } from './chromium.ts';

export type ServiceName = 'redis' | 'postgres' | 'chromium' | 'python3' | 'secret-service';

/** Something a test needs and npm does not bring. */
export interface Service {
  readonly available: boolean;
  /** Where it is: a connection URL, or the path of the program. */
  readonly where: string;
  /** One line that tells how to make it available. */
  readonly how: string;
}

/** Looks whether a service is there. Asks over the wire, within one second. */
async function requireService(name: ServiceName): Promise<Service> {
  if (name === 'chromium') {
    const path = findChromium();
    const how = 'apt-get install chromium, or set CHROMIUM_PATH to the program';
    return { available: path !== undefined, where: path ?? '', how };
  }
  if (name === 'python3') {
    const where = '/usr/bin/python3';
    return { available: existsSync(where), where, how: 'apt-get install python3' };
  }
  if (name === 'secret-service') {
    const available = ['gnome-keyring-daemon', 'dbus-daemon'].every((program) =>
      existsSync(`/usr/bin/${program}`),
    );
    return { available, where: '/usr/bin', how: 'apt-get install gnome-keyring dbus' };
  }
  const { variable, fallback, hello, answers, start } = wire[name];
  const where = process.env[variable] ?? fallback;
  const available = await greets(new URL(where), hello, answers);
  return { available, where, how: `${start}, or set ${variable} to the URL of a running one` };
}

/**
 * A `describe` for tests against a real service. Await it at the top level of the test file.
 *
 * Without the service the tests are skipped and one line says how to start it;
 * with `POSTERN_REQUIRE_SERVICES=1` its absence is a failure.
 */
export async function describeWithService(
  name: ServiceName,
  title: string,
  body: (service: Service) => void,
): Promise<void> {
  const service = await requireService(name);
  if (service.available) {
    describe(title, () => body(service));
  } else if (process.env['POSTERN_REQUIRE_SERVICES'] === '1') {
    describe(title, () => {
      test(`${name} is available`, () => {
        throw new Error(`${name} is required and was not found: ${service.how}`);
      });
    });
  } else {
    process.stderr.write(`skipped: ${title}. ${name} was not found: ${service.how}\n`);
    describe.skip(title, () => body(service));
  }
}

const wire = {
  redis: {
    variable: 'REDIS_URL',
    fallback: 'redis://127.0.0.1:6379',
    hello: Buffer.from('PING\r\n'),
    answers: /^(\+PONG|-NOAUTH)/,
    start: 'run `redis-server`',
  },
  postgres: {
    variable: 'POSTGRES_URL',
    fallback: 'postgres://postgres@127.0.0.1:5432/postgres',
    // The question whether it speaks TLS; every PostgreSQL answers with one letter.
    hello: Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]),
    answers: /^[SN]/,
    start: 'run `pg_ctl start` or `service postgresql start`',
  },
} as const;

function greets(url: URL, hello: Buffer, answers: RegExp): Promise<boolean> {
  return new Promise((resolve) => {
    const port = Number(url.port || (url.protocol === 'redis:' ? 6379 : 5432));
    const socket = connect({ host: url.hostname, port, timeout: 1_000 });
    const end = (found: boolean): void => {
      socket.destroy();
      resolve(found);
    };
    socket.once('connect', () => socket.write(hello));
    socket.once('data', (data) => end(answers.test(data.toString('latin1'))));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
    socket.once('close', () => end(false));
  });
}
