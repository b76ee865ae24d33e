/**
 * An MCP server that acts on a code-hosting API, with a code or a pasted token, for several accounts of each user.
 *
 *   node examples/code-host/main.ts [--port 8787]    starts everything on loopback
 *   node examples/code-host/main.ts --self-check     drives it from end to end, and exits with 0 or 1
 */
import { createLineLogger } from '../protected-server/line-logger.ts';
import { runExample } from '../protected-server/run-example.ts';
import { checkCodeHost } from './self-check.ts';
import { startCodeHostExample } from './start-code-host.ts';

await runExample({
  selfCheck: checkCodeHost,
  async serve(options) {
    const example = await startCodeHostExample({ ...options, logger: createLineLogger(console.log) });
    console.log(`The MCP server:            ${example.url}   (OAuth; sign in as alice, bob or carol, no password)
The code host's stand-in:  ${example.service.origin}   (accounts alice-work, alice-home, bob-dev)
   make a token there:     ${example.service.origin}/settings/tokens
   single sign-on there:   ${example.service.origin}/orgs/acme/sso

Connect any MCP client to the first address; in one that takes a list of servers:

   { "mcpServers": { "code-host": { "type": "http", "url": "${example.url}" } } }

Then try:
   whoami             account: work                          a link, and on its page a code to enter at the code host
   whoami             account: personal, sign_in_with: token    a link, and on its page a field for a token
   list_repositories  account: work
   open_issue         account: work, repository: acme/rockets, title: Leak      wants single sign-on first

Ctrl-C ends it all; nothing is kept.`);
    return example;
  },
});
