import type { Tool } from '@modelcontextprotocol/client';

/** The tool that has the user asked to sign in. */
export const authToolName = 'request_authentication';

export const authToolText: string =
  'Has the user asked to sign in to a service, outside this conversation, and waits for them. ' +
  'Call it when you need a service that is not connected; its tools can be used afterwards.';

/** Longer than a reason anybody reads. */
const maxReason = 500;

export function authToolSchema(services: readonly string[]): Tool['inputSchema'] {
  return {
    type: 'object',
    properties: {
      service: { type: 'string', enum: [...services], description: 'The service to sign in to.' },
      reason: { type: 'string', description: 'Why it is needed, in a sentence to the user.' },
    },
    required: ['service', 'reason'],
    additionalProperties: false,
  };
}

/** The service that a model names, if it is one of these. */
export function serviceIn(
  args: Readonly<Record<string, unknown>>,
  services: readonly string[],
): string | undefined {
  return services.find((service) => service === args['service']);
}

export function reasonIn(args: Readonly<Record<string, unknown>>): string | undefined {
  const { reason } = args;
  return typeof reason === 'string' && reason.trim() !== '' ? reason.slice(0, maxReason) : undefined;
}
