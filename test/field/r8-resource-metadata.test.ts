import { describe, expect, test } from 'vitest';
import { walk } from '../heart/walk.ts';
import { answerMcp } from '../support/minimal-mcp.ts';
import { codeOf, openStage, textOf } from '../support/stage.ts';
import type { ProgrammableAuthorizationServer } from '../support/programmable-authorization-server.ts';

// R8: QwenLM/qwen-code#5343. RFC 9728 §5.1 wants an absolute URL, quoted.

const mcp = { name: 'calendar', tools: [{ name: 'whoami' }], call: () => 'alice' };

/** Written as they were met; the scope behind them is read all the same. */
const written: Readonly<Record<string, (url: string) => string>> = {
  'in single quotes': (url) => `resource_metadata='${url}'`,
  'without quotes': (url) => `resource_metadata=${url}`,
  'as a path': () => 'resource_metadata="/.well-known/oauth-protected-resource/mcp"',
  'as a path without quotes': () => 'resource_metadata=/.well-known/oauth-protected-resource',
  'as a host without a scheme': (url) => `resource_metadata="${new URL(url).host}/x"`,
  empty: () => 'resource_metadata=""',
  'as nothing at all': () => 'resource_metadata=',
  'with a quote that is never closed': (url) => `resource_metadata='${url}`,
};

async function openWritten(header: (as: ProgrammableAuthorizationServer) => string) {
  const stage = await openStage({
    as: { serve: (call) => answerMcp(call, mcp) },
    servers: (_calendar, as) => ({ calendar: { url: as.resource } }),
  });
  const { as } = stage;
  as.on('resource', (call) =>
    call.headers.authorization === undefined
      ? { status: 401, headers: { 'www-authenticate': header(as) } }
      : undefined,
  );
  return stage;
}

describe('a challenge whose resource_metadata is written', () => {
  test.each(Object.keys(written))('%s leads to the well-known places, and in', async (kind) => {
    const write = written[kind]!;
    const stage = await openWritten(
      ({ origin }) => `Bearer ${write(`${origin}/.well-known/oauth-protected-resource/mcp`)}, scope="read"`,
    );
    stage.as.approveAs('alice');
    const browser = await stage.host.openBrowser('alice');
    expect((await walk(browser, (await stage.linkOf('alice')).url)).status).toBe(200);
    expect(textOf(await (await stage.manager.getClient('alice')).callTool('whoami'))).toBe('alice');
    const authorize = stage.as.calls.find((call) => call.kind === 'authorize');
    if (kind !== 'as nothing at all') expect(authorize?.url.searchParams.get('scope')).toBe('read');
  });

  test('as an address that nobody may be led to, is still refused: that is no slip of the pen', async () => {
    const stage = await openWritten(() => 'Bearer resource_metadata="http://169.254.169.254/latest"');
    const client = await stage.manager.getClient('alice');
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_OAUTH_URL_FORBIDDEN');
  });
});
