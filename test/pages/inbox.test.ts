import { describe, expect, test } from 'vitest';
import { english } from '../../src/web/texts/english.ts';
import { german } from '../../src/web/texts/german.ts';
import { openFlowStage, redirectFlow, consent } from '../support/flow-stage.ts';
import { openStage } from '../support/stage.ts';
import { passwordFlow } from '../heart/server/form-stage.ts';

/** The inbox, in the browser of somebody who is signed in to the application. */
function openInbox(
  { fetch, inboxUrl = '' }: { fetch: (request: Request) => Promise<Response>; inboxUrl: string | undefined },
  user?: string,
) {
  let cookie = user === undefined ? '' : `app-user=${user}`;
  const answered = async (response: Response) => {
    const [set] = response.headers.get('set-cookie')?.split(';', 1) ?? [];
    if (set !== undefined && !cookie.includes(set)) cookie += `; ${set}`;
    const html = await response.text();
    const part = (heading: string): string =>
      html.split(`<h2>${heading}</h2>`)[1]?.split('<h2>')[0]?.replaceAll(/\s+/gu, ' ') ?? '';
    return {
      status: response.status,
      location: response.headers.get('location'),
      html,
      waiting: [...part('Waiting for you').matchAll(/<a href="([^"]*)">([^<]*)</gu)].map(
        ([, , text]) => text,
      ),
      links: [...part('Waiting for you').matchAll(/<a href="([^"]*)"/gu)].map(([, href]) => href),
      connected: [...part('Connected').matchAll(/<strong>([^<]*)</gu)].map(([, text]) => text),
      notice: /class="notice"[^>]*>([^<]*)</u.exec(html)?.[1],
      /** The hidden fields of each connection. */
      forms: html
        .split('<details>')
        .slice(1)
        .map((form) =>
          Object.fromEntries(
            [...form.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/gu)].map(([, name, value]) => [
              name,
              value?.replaceAll('&amp;', '&') ?? '',
            ]),
          ),
        ),
    };
  };
  return {
    look: async (headers: Record<string, string> = {}) =>
      answered(await fetch(new Request(inboxUrl, { headers: { cookie, ...headers } }))),
    press: async (fields: Record<string, string>, headers: Record<string, string> = {}) =>
      answered(
        await fetch(
          new Request(inboxUrl, {
            method: 'POST',
            headers: { cookie, origin: new URL(inboxUrl).origin, ...headers },
            body: new URLSearchParams(fields),
          }),
        ),
      ),
  };
}

describe('the page of all that waits for a person, on a server', () => {
  test('has one link for each thing that waits for them, the oldest first, and nothing of anybody else', async () => {
    const stage = await openFlowStage();
    const form = passwordFlow(stage);
    const first = await stage.linkOf('alice', form, {
      resource: 'db.example',
      reason: 'To run your report.',
    });
    stage.time.advance(1_000);
    const second = await stage.linkOf('alice', redirectFlow(stage));
    await stage.linkOf('bob', form, { resource: 'secret.example' });
    const { waiting, links, html } = await openInbox(stage.oob, 'alice').look();
    expect(links).toEqual([first.url, second.url]);
    expect(waiting).toEqual([
      'Enter the access data for db.example',
      'Connect your account at calendar.example',
    ]);
    expect(html).toContain('To run your report.');
    expect(html).not.toContain('secret.example');
  });

  test('shows what is connected and as whom, under the name that its person gives it, until they disconnect it', async () => {
    const stage = await openFlowStage();
    const flow = redirectFlow(stage);
    stage.as.approveAs('alice');
    await consent(await stage.host.openBrowser('alice'), (await stage.linkOf('alice', flow)).url);
    const inbox = openInbox(stage.oob, 'alice');
    const before = await inbox.look();
    expect([before.waiting, before.connected]).toEqual([[], ['calendar.example']]);
    const [fields = {}] = before.forms;
    const renamed = await inbox.press({ ...fields, 'form-action': 'rename', label: '  My <b>calendar</b> ' });
    expect([renamed.notice, renamed.connected]).toEqual([
      english['inbox.renamed'],
      ['My &lt;b&gt;calendar&lt;/b&gt;'],
    ]);
    const gone = await inbox.press({ ...fields, 'form-action': 'disconnect' });
    expect([gone.notice, gone.connected]).toEqual(['My &lt;b&gt;calendar&lt;/b&gt; is disconnected.', []]);
    expect(stage.as.count('revoke')).toBeGreaterThan(0);
    expect(
      await stage.oob.credentials.find(await stage.principal('alice'), {
        resource: 'calendar.example',
        flow,
      }),
    ).toBeUndefined();
    // A press that is sent again finds nothing to do.
    expect((await inbox.press({ ...fields, 'form-action': 'disconnect' })).notice).toBe(
      english['inbox.gone'],
    );
  });

  test('sends its person to a new link for what does not work any more', async () => {
    const stage = await openFlowStage();
    const form = passwordFlow(stage);
    const principal = await stage.principal('alice');
    await stage.oob.credentials.put(principal, { resource: 'db.example', flow: form }, { password: 'x' });
    const inbox = openInbox(stage.oob, 'alice');
    await stage.oob.credentials.reject(principal, { resource: 'db.example', flow: form }, { password: 'x' });
    const [fields = {}] = (await inbox.look()).forms;
    const anew = await inbox.press({ ...fields, 'form-action': 'reconnect' });
    expect(anew.status).toBe(303);
    expect((await inbox.look()).links).toEqual([anew.location]);
  });

  test('finds a namespace that is not named after its person, from when they are asked for it', async () => {
    const stage = await openFlowStage({ oob: { initiatorOf: () => 'carol' } });
    const form = passwordFlow(stage);
    const { url } = await stage.linkOf('team-7', form);
    expect((await openInbox(stage.oob, 'carol').look()).links).toEqual([url]);
    expect((await openInbox(stage.oob, 'team-7').look()).links).toEqual([]);
  });

  test('takes a press from this page and this browser only', async () => {
    const stage = await openFlowStage();
    const form = passwordFlow(stage);
    for (const user of ['alice', 'bob'])
      await stage.oob.credentials.put(
        await stage.principal(user),
        { resource: 'db.example', flow: form },
        { password: 'x' },
      );
    const alice = openInbox(stage.oob, 'alice');
    const bob = openInbox(stage.oob, 'bob');
    const [fields = {}] = (await alice.look()).forms;
    const [bobs = {}] = (await bob.look()).forms;
    const press = { ...fields, 'form-action': 'disconnect' };
    expect((await alice.press(press, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await alice.press({ ...press, 'form-token': '' })).status).toBe(403);
    expect((await bob.press(press)).status).toBe(403);
    // Bob's own token, and Alice's credential.
    expect((await bob.press({ ...press, 'form-token': bobs['form-token'] ?? '' })).notice).toBe(
      english['inbox.gone'],
    );
    expect((await alice.look()).connected).toEqual(['db.example']);
  });

  test('is nobody’s who is not signed in, and is not there where nothing tells people apart', async () => {
    const stage = await openFlowStage();
    expect((await openInbox(stage.oob).look()).status).toBe(401);
    const { skipUserVerification } = await import('../../src/oob/index.ts');
    const open = await openFlowStage({ oob: { verifyUser: undefined, [skipUserVerification]: true } });
    expect(open.oob.inboxUrl).toBeUndefined();
    const inboxUrl = `${open.host.publicUrl}/inbox`;
    expect((await openInbox({ fetch: open.oob.fetch, inboxUrl }, 'alice').look()).status).toBe(404);
  });

  test('speaks the language that the browser asks for, if whoever runs it has it', async () => {
    const stage = await openFlowStage({ oob: { appearance: { name: 'Acme', texts: [english, german] } } });
    const inbox = openInbox(stage.oob, 'alice');
    expect((await inbox.look({ 'accept-language': 'de-AT,de;q=0.9' })).html).toContain('Ihre Verbindungen');
    expect((await inbox.look({ 'accept-language': 'fr' })).html).toContain('Your connections');
  });
});

describe('the page of all that waits for a person, at an agent’s host', () => {
  test('stands for any number of servers, says as whom each is connected, and connects one again that has ended', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const inbox = openInbox(stage.manager, 'alice');
    expect((await inbox.look()).links).toEqual([url]);
    await stage.signIn('alice');
    const connected = await inbox.look();
    expect([connected.links, connected.connected]).toEqual([[], [`${stage.calendar.url} (calendar)`]]);
    const [fields = {}] = connected.forms;
    expect((await inbox.press({ ...fields, 'form-action': 'reconnect' })).notice).toBe(
      english['inbox.works'],
    );
    stage.as.tokens.revokeAll();
    const anew = await inbox.press({ ...fields, 'form-action': 'reconnect' });
    expect(anew.status).toBe(303);
    expect((await inbox.look()).links).toEqual([anew.location]);
  });

  test('is linked from the page at which a sign-in ends', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    stage.as.approveAs('alice');
    const page = await (await stage.host.openBrowser('alice')).open(url);
    expect(page.html).toContain(`href="${stage.manager.inboxUrl}"`);
  });
});
