/** A program at a terminal, as its author would write it: one call, and what it says on standard output. */
import { Client } from '../../src/client/index.ts';

const [url = '', persist] = process.argv.slice(2);

await using client = new Client({ calendar: { url } }, persist === undefined ? {} : { persist });
const { content } = await client.callTool('whoami');
process.stdout.write(content.map((block) => (block.type === 'text' ? block.text : '')).join('\n'));
