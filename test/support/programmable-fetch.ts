/** One request as it was sent. */
export interface SentRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly form: URLSearchParams;
  readonly text: string;
}

/** What a route answers with: a response, JSON with status 200, or a failure that is thrown. */
export type RouteAnswer = Response | Error | Record<string, unknown> | unknown[] | null | string;
export type Route = RouteAnswer | ((request: SentRequest) => RouteAnswer | Promise<RouteAnswer>);

/** A `fetch` over a table of URLs that touches no network, and remembers what it was asked. Unknown URLs are 404. */
export function programmableFetch(routes: Readonly<Record<string, Route>>): {
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  sent: SentRequest[];
} {
  const sent: SentRequest[] = [];
  return {
    sent,
    fetch: async (url, init) => {
      const text = init.body === undefined || init.body === null ? '' : await new Response(init.body).text();
      const headers = new Headers(init.headers);
      const request = { method: init.method ?? 'GET', url, headers, form: new URLSearchParams(text), text };
      sent.push(request);
      const route = routes[url];
      if (route === undefined) return new Response('not found', { status: 404 });
      const answer = typeof route === 'function' ? await route(request) : route;
      if (answer instanceof Error) throw answer;
      if (answer instanceof Response) return answer.clone();
      return typeof answer === 'string' ? new Response(answer) : Response.json(answer);
    },
  };
}
