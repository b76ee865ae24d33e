import { html, raw } from 'hono/html';
import type { StandInSlack } from './start-slack.ts';
import type { SlackMessage, Workspace } from './workspace.ts';

type Html = ReturnType<typeof html>;

/** What a person sees of the workspace, and where they write: so that the bot can be met without Slack. */
export async function answerScreen(request: Request, slack: StandInSlack): Promise<Response> {
  const { workspace } = slack;
  const { pathname, searchParams } = new URL(request.url);
  const user = workspace.userNamed(pathname.slice(1));
  if (user === undefined) return page(pathname === '/' ? 200 : 404, choice(workspace));
  if (request.method === 'POST') {
    const form = new URLSearchParams(await request.text());
    const text = form.get('text')?.trim() ?? '';
    const channel = form.get('channel') ?? '';
    if (text !== '' && workspace.channels.get(channel)?.members.has(user) === true)
      await slack.write({ user, channel, text });
    return new Response(null, { status: 303, headers: { location: pathname } });
  }
  if (searchParams.has('home')) {
    const channel = workspace.openDirect(user).id;
    const event = { type: 'app_home_opened', user, tab: 'home', channel };
    await slack.deliveries.deliver(slack.deliveries.envelope(event));
    return page(200, home(workspace, user));
  }
  workspace.openDirect(user);
  return page(200, screen(workspace, user));
}

function choice({ people }: Workspace): Html {
  const links = [...people.values()].map((name) => html`<li><a href="/${name}">${name}</a></li>`);
  return html`<h1>Whose screen?</h1>
    <ul>
      ${links}
    </ul>`;
}

function screen(workspace: Workspace, user: string): Html {
  const seen = workspace.seenBy(user);
  const channels = [...workspace.channels.values()].filter(({ members }) => members.has(user));
  const name = workspace.people.get(user) ?? user;
  return html`<meta http-equiv="refresh" content="5" />
    <nav>You are ${name}. <a href="?home">The bot's home tab</a> · <a href="/${name}">Reload</a></nav>
    ${channels.map(({ id, name: channel, isDirect }) => {
      const inChannel = seen.filter((message) => message.channel === id);
      const first = inChannel.filter(({ threadTs }) => threadTs === undefined);
      return html`<h2>${isDirect ? `Direct: ${channel}` : `#${channel}`}</h2>
        ${first.map(
          (message) =>
            html`<article>
              ${line(workspace, message)}
              ${inChannel.filter(({ threadTs }) => threadTs === message.ts).map((reply) => line(workspace, reply))}
            </article>`,
        )}
        ${box(id, isDirect ? 'What is on today?' : '@planner What is on today?')}`;
    })}`;
}

function line(workspace: Workspace, { user, text, blocks, onlyFor, edited }: SlackMessage): Html {
  const name = workspace.people.get(user) ?? workspace.bot.name;
  const note = onlyFor === undefined ? '' : html`<small>Only visible to you</small> `;
  return html`<p class="${onlyFor === undefined ? '' : 'private'}">
    <b>${name}</b> ${note}${blocks === undefined ? mrkdwn(workspace, text) : richText(blocks)}
    ${edited === true ? html`<small>(edited)</small>` : ''}
  </p>`;
}

function box(channel: string, text: string): Html {
  return html`<form method="post">
    <input type="hidden" name="channel" value="${channel}" />
    <input name="text" value="${text}" size="40" aria-label="Message" /> <button>Send</button>
  </form>`;
}

function home(workspace: Workspace, user: string): Html {
  const view = workspace.home.get(user) as { blocks?: { text?: { text?: string } }[] } | undefined;
  const texts = view?.blocks?.map(({ text }) => html`<p>${mrkdwn(workspace, text?.text ?? '')}</p>`);
  return html`<nav><a href="/${workspace.people.get(user)}">Back</a></nav>
    ${texts ?? 'Nothing yet.'}`;
}

/** Links and mentions of Slack's own markup; the rest is text. */
function mrkdwn(workspace: Workspace, text: string): Html[] {
  return text.split(/(<[^>]+>)/u).map((part) => {
    const [, mention] = /^<@(\w+)>$/u.exec(part) ?? [];
    if (mention !== undefined) return html`<b>@${workspace.people.get(mention) ?? workspace.bot.name}</b>`;
    const [, url, label] = /^<(https?:[^|>]+)\|([^>]+)>$/u.exec(part) ?? [];
    if (url !== undefined) return link(unescaped(url), unescaped(label ?? url));
    return html`${unescaped(part)}`;
  });
}

function richText(blocks: unknown): Html[] {
  const [{ elements = [] } = {}] = blocks as {
    elements?: { elements: { url?: string; text: string }[] }[];
  }[];
  return elements.map(
    ({ elements: parts }) =>
      html`<span>${parts.map(({ url, text }) => (url === undefined ? text : link(url, text)))} </span>`,
  );
}

function link(url: string, text: string): Html {
  return html`<a href="${url}" target="_blank" rel="noopener noreferrer">${text}</a>`;
}

function unescaped(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

const style = raw(`body { font: 16px/1.5 system-ui; max-width: 44rem; margin: 1rem auto; padding: 0 1rem }
p { white-space: pre-line; margin: .2rem 0 } article { margin: .6rem 0 } article p + p { margin-left: 2rem }
.private { background: #fff7d6 } small { color: #666 }`);

async function page(status: number, body: Html): Promise<Response> {
  const text = await html`<!doctype html>
    <html lang="en">
      <meta name="viewport" content="width=device-width" />
      <title>Slack's stand-in</title>
      <style>
        ${style}
      </style>
      ${body}
    </html>`;
  return new Response(String(text), { status, headers: { 'content-type': 'text/html; charset=utf-8' } });
}
