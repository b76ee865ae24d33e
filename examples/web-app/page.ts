import { html, raw } from 'hono/html';

type Html = ReturnType<typeof html>;

/** Shows what arrives, and asks without leaving the page. Texts are set as texts: they come from models and servers. */
const script = `
const log = document.querySelector('#log');
new EventSource('/messages').onmessage = ({ data }) => {
  const { from, text, link } = JSON.parse(data);
  const line = document.createElement('p');
  line.className = from;
  line.textContent = text;
  if (link?.startsWith('http')) {
    const a = document.createElement('a');
    Object.assign(a, { href: link, textContent: 'Connect', target: '_blank', rel: 'noopener' });
    line.append(' ', a);
  }
  log.append(line);
};
document.querySelector('form').onsubmit = (event) => {
  event.preventDefault();
  fetch('/ask', { method: 'POST', body: new URLSearchParams(new FormData(event.target)) });
  event.target.reset();
};`;

/** The one page: a box to ask in, and everything that was said. */
export function chatPage({
  name,
  inboxUrl,
}: {
  readonly name: string;
  readonly inboxUrl: string | undefined;
}): Html {
  return html`<!doctype html>
    <html lang="en">
      <meta name="viewport" content="width=device-width" />
      <title>Day Planner</title>
      <style>
        body {
          font: 16px/1.5 system-ui;
          max-width: 40rem;
          margin: 2rem auto;
          padding: 0 1rem;
        }
        p {
          white-space: pre-wrap;
        }
        .you {
          text-align: right;
        }
      </style>
      <h1>Day Planner</h1>
      <nav>
        You are ${name}. <a href="${inboxUrl ?? '/'}">Your connections</a> ·
        <a href="/sign-in/out">Sign out</a>
      </nav>
      <div id="log" aria-live="polite"></div>
      <form method="post" action="/ask">
        <label>Ask <input name="question" value="What is on today?" required maxlength="500" /></label>
        <button>Send</button>
      </form>
      <script>
        ${raw(script)};
      </script>
    </html>`;
}
