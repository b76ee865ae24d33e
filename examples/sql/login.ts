import type { FormSchema, SecretFormValues } from '../../src/oob/index.ts';

/** What may pass the client. */
export const openFields = ['host', 'port', 'database', 'user'] as const;

/**
 * The form of a connection. It shows where the password will go, and what is stored is the whole of it at once:
 * a password is never sent to another place than the one it was entered for.
 */
export const loginForm = {
  type: 'object',
  properties: {
    host: { type: 'string', title: 'Host', maxLength: 253 },
    port: { type: 'integer', title: 'Port', minimum: 1, maximum: 65_535, default: 5432 },
    database: { type: 'string', title: 'Database', maxLength: 63 },
    user: { type: 'string', title: 'User', maxLength: 63 },
    password: { type: 'string', title: 'Password', writeOnly: true, maxLength: 1_024 },
  },
  required: [...openFields, 'password'],
} as const satisfies FormSchema;

/** Everything a connection is made with. The password comes from the person's page and goes to the database only. */
export type DatabaseLogin = SecretFormValues<typeof loginForm>;
