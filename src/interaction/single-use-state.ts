/**
 * In `_meta` of an input-required result: its request state is good for one run of what it belongs to, however often it
 * comes. So a request that brought it, and was not answered, may be sent again.
 */
export const singleUseState = 'postern/single-use-state';
