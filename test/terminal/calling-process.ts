/** A program at a terminal, as its author would write it: one call, and what it says on standard output. */
import { Client } from '../../src/client/index.ts';

const [url = '', again] = process.argv.slice(2);

await using client = new Client({ calendar: { url } });
if (again === 'again') await client.callTool('whoami').catch(() => process.stderr.write('declined\n'));
const { content } = await client.callTool('whoami');
process.stdout.write(content.map((block) => (block.type === 'text' ? block.text : '')).join('\n'));
