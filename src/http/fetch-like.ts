/** The part of `fetch` that is used. The global `fetch` is one. */
export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;
