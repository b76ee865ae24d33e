import { PosternError } from '../core/postern-error.ts';

/** Another reader has the form, and nobody knows any more what was sent, to the byte. */
export function alreadyRead(): PosternError {
  return new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    'the body of a request was read before it came here',
    {
      hint: 'Mount this before body parsers such as express.urlencoded(); in Fastify use fastifyPages(), in Hono no middleware before it may read the body.',
    },
  );
}
