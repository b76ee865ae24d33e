/** The sign-in of the application that a link belongs to: whoever says a name is that person. */
export async function answerHostLogin(request: Request): Promise<Response> {
  if (request.method === 'GET') {
    const html =
      '<!doctype html><title>Sign in to the host</title><form method="post"><input name="user"><button>Sign in</button></form>';
    return new Response(html, { headers: { 'content-type': 'text/html' } });
  }
  const form = new URLSearchParams(await request.text());
  return new Response(null, {
    status: 303,
    headers: {
      location: new URL(request.url).searchParams.get('back') ?? '/',
      'set-cookie': `host-user=${form.get('user')}; Path=/; HttpOnly; SameSite=Lax`,
    },
  });
}

/** Who is signed in, or the way to the sign-in. */
export function verifyHostUser(request: Request): string | Response {
  const found = /(?:^|; )host-user=(?<user>\w+)/u.exec(request.headers.get('cookie') ?? '')?.groups?.['user'];
  const back = encodeURIComponent(new URL(request.url).pathname);
  return found ?? new Response(null, { status: 303, headers: { location: `/login?back=${back}` } });
}
