/**
 * Answers what a PDS hands on to the AppView: profiles, timelines and searches, made of what is on that PDS.
 *
 * An answer is given to a caller for whom the PDS vouches, as at a real one, though the signature is not looked at.
 */
import { createServer } from 'node:http';

/** @param {() => string} pdsUrl */
export async function startAppView(pdsUrl) {
  const server = createServer((request, response) => {
    void answer(request, pdsUrl()).then(
      ({ status = 200, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(body));
      },
      (error) => {
        response.writeHead(500, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ error: 'InternalServerError', message: String(error) }));
      },
    );
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://localhost:${server.address().port}` };
}

async function answer(request, pdsUrl) {
  const url = new URL(request.url, 'http://localhost');
  const caller = callerOf(request.headers.authorization);
  if (caller === undefined) return refused(401, 'AuthMissing');
  const nsid = url.pathname.replace('/xrpc/', '');
  switch (nsid) {
    case 'app.bsky.actor.getProfile': {
      const author = await findAuthor(pdsUrl, url.searchParams.get('actor'));
      if (author === undefined) return refused(400, 'InvalidRequest');
      return { body: { ...author, postsCount: (await postsOf(pdsUrl, author)).length } };
    }
    case 'app.bsky.feed.getTimeline': {
      const limit = Number(url.searchParams.get('limit') ?? 50);
      const posts = (await postsOf(pdsUrl, await findAuthor(pdsUrl, caller))).slice(0, limit);
      return { body: { feed: posts.map((post) => ({ post })) } };
    }
    case 'app.bsky.feed.searchPosts': {
      const posts = await allPosts(pdsUrl);
      const words = (url.searchParams.get('q') ?? '').toLowerCase();
      return { body: { posts: posts.filter(({ record }) => record.text.toLowerCase().includes(words)) } };
    }
    default:
      return refused(501, 'MethodNotImplemented');
  }
}

const refused = (status, error) => ({ status, body: { error, message: error } });

/** The account for which the PDS has signed. */
function callerOf(authorization) {
  const [, payload] = (authorization ?? '').replace(/^Bearer /u, '').split('.');
  if (payload === undefined) return undefined;
  return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')).iss;
}

async function ask(pdsUrl, method, params) {
  const response = await fetch(`${pdsUrl}/xrpc/${method}?${new URLSearchParams(params)}`);
  return response.ok ? response.json() : undefined;
}

async function findAuthor(pdsUrl, repo) {
  const found = await ask(pdsUrl, 'com.atproto.repo.describeRepo', { repo });
  return found && { did: found.did, handle: found.handle };
}

async function postsOf(pdsUrl, author) {
  const collection = 'app.bsky.feed.post';
  const found = await ask(pdsUrl, 'com.atproto.repo.listRecords', { repo: author.did, collection });
  return (found?.records ?? []).map(({ uri, cid, value }) => ({
    uri,
    cid,
    author,
    record: value,
    indexedAt: value.createdAt,
  }));
}

async function allPosts(pdsUrl) {
  const found = await ask(pdsUrl, 'com.atproto.sync.listRepos', { limit: 100 });
  const posts = [];
  for (const { did } of found?.repos ?? []) {
    posts.push(...(await postsOf(pdsUrl, await findAuthor(pdsUrl, did))));
  }
  return posts;
}
