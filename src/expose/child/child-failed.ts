import { PosternError } from '../../core/postern-error.ts';

/** That a child did not start, did not get ready, or has stopped. */
export function childFailed(message: string): PosternError {
  return new PosternError('ERR_POSTERN_EXPOSE_CHILD_FAILED', message, {
    hint: 'Whoever runs it finds the reason in its log.',
  });
}
