import { McpServer, type CallToolResult } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { loginTool, type Oob } from '../../src/oob/index.ts';
import { calendarFlow, weatherFlow } from './login-flows.ts';
import type { Services } from './stand-ins.ts';

/**
 * An MCP server that uses two services as its person: `login` and `login_weather` log them in, and `events` and `forecast`
 * use what came of it. Returns what makes the server of each connection, session or request.
 */
export function loginServer(oob: Oob, services: Services): () => McpServer {
  const { calendarUrl, weatherUrl } = services;
  const calendar = loginTool(oob, {
    resource: new URL(calendarUrl).host,
    service: 'the calendar',
    flow: oob.flow('calendar', calendarFlow(services)),
  });
  const weather = loginTool(oob, {
    name: 'login_weather',
    resource: new URL(weatherUrl).host,
    service: 'the weather',
    handleDescription: 'A name of your own for this key, where you have several.',
    flow: oob.flow('weather', weatherFlow(services)),
  });
  const inputSchema = z.object({
    account: z.string().optional().describe('Which account; the default one when left out'),
  });

  return () => {
    const server = new McpServer(
      { name: 'login-tool', version: '1.0.0' },
      { requestState: oob.requestState },
    );
    calendar.register(server);
    weather.register(server);
    server.registerTool(
      'events',
      { description: 'What is in the calendar', inputSchema },
      oob.tool(
        async ({ account }, { credential, principal, signal }) => {
          const request = await calendar.accounts.request(principal, account);
          const grant = await credential(request);
          const headers = { authorization: `Bearer ${grant.accessToken}` };
          const reply = await fetch(calendarUrl, { headers, signal });
          if (reply.ok) return text(((await reply.json()) as string[]).join('\n'));
          // It was ended at the provider: the next call renews it, or asks its person.
          await oob.credentials.reject(principal, request, grant);
          return { ...text('The calendar did not accept the login. Call again.'), isError: true };
        },
        { server, name: 'events' },
      ),
    );
    server.registerTool(
      'forecast',
      { description: 'What the sky is like', inputSchema },
      oob.tool(
        async ({ account }, { credential, principal, signal }) => {
          const { key } = await credential(await weather.accounts.request(principal, account));
          const reply = await fetch(weatherUrl, { headers: { 'x-api-key': key }, signal });
          return text(await reply.text());
        },
        { server, name: 'forecast' },
      ),
    );
    return server;
  };
}

function text(value: string): CallToolResult {
  return { content: [{ type: 'text', text: value }] };
}
