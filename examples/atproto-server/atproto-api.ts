import { z } from 'zod';
import type { AtprotoFetch } from '../../src/atproto/index.ts';

/** The network's own word for why it did not do something. Fit to be shown: it holds nothing of the session. */
export class AtprotoApiError extends Error {
  override readonly name = 'AtprotoApiError';
}

const author = z.looseObject({ did: z.string(), handle: z.string(), displayName: z.string().optional() });
const post = z.looseObject({
  uri: z.string(),
  author,
  record: z.looseObject({ text: z.string().optional() }),
});
const profile = author.extend({
  description: z.string().optional(),
  postsCount: z.number().optional(),
  followersCount: z.number().optional(),
  followsCount: z.number().optional(),
});

export type Profile = z.infer<typeof profile>;
export type Post = z.infer<typeof post>;

const refusal = z.looseObject({ error: z.string(), message: z.string().optional() });

export async function getProfile(call: AtprotoFetch, actor: string): Promise<Profile> {
  return profile.parse(await query(call, 'app.bsky.actor.getProfile', { actor }));
}

export async function getTimeline(call: AtprotoFetch, limit: number): Promise<Post[]> {
  const answer = await query(call, 'app.bsky.feed.getTimeline', { limit: String(limit) });
  return z
    .looseObject({ feed: z.array(z.looseObject({ post })) })
    .parse(answer)
    .feed.map((entry) => entry.post);
}

export async function searchPosts(call: AtprotoFetch, q: string, limit: number): Promise<Post[]> {
  const answer = await query(call, 'app.bsky.feed.searchPosts', { q, limit: String(limit) });
  return z.looseObject({ posts: z.array(post) }).parse(answer).posts;
}

/** Writes a post, and returns where it is. */
export async function createPost(call: AtprotoFetch, repo: string, text: string): Promise<string> {
  const record = { $type: 'app.bsky.feed.post', text, createdAt: new Date().toISOString() };
  const answer = await read(
    await call('/xrpc/com.atproto.repo.createRecord', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ repo, collection: 'app.bsky.feed.post', record }),
    }),
  );
  return z.looseObject({ uri: z.string() }).parse(answer).uri;
}

async function query(call: AtprotoFetch, nsid: string, params: Record<string, string>): Promise<unknown> {
  return read(await call(`/xrpc/${nsid}?${new URLSearchParams(params).toString()}`));
}

async function read(response: Response): Promise<unknown> {
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body;
  const { data } = refusal.safeParse(body);
  throw new AtprotoApiError(
    data === undefined
      ? `the server answered with status ${response.status}`
      : `${data.error}: ${data.message ?? ''}`,
  );
}
