import { describeGivenAddress } from '../core/describe-given.ts';
import { PosternError } from '../core/postern-error.ts';

const loopbackHosts = ['127.0.0.1', '[::1]', 'localhost'];

/**
 * Where our own pages are reachable for browsers, without a trailing slash.
 *
 * @param option names it in the error.
 * @param owner whose option it is.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when people must not be sent there: not https (but for loopback),
 * or with a query, a fragment or a user.
 */
export function checkPublicUrl(text: string, option = 'publicUrl', owner?: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const usable =
    url !== undefined &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && loopbackHosts.includes(url.hostname))) &&
    url.search === '' &&
    url.hash === '' &&
    url.username === '';
  if (usable) return url.href.replace(/\/$/u, '');
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `${JSON.stringify(option)}${owner === undefined ? '' : ` of ${owner}`} must be an https URL without query or fragment, and is ${describeGivenAddress(text)}`,
    {
      hint: 'Is the variable set that it comes from? http is accepted for 127.0.0.1, [::1] and localhost only.',
    },
  );
}
