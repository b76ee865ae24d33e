// mcporter's runtime, for programs.
import { createRuntime } from 'mcporter';
import { drive, target, tool } from '../../shared/client-driver.mjs';

const command =
  target.url === undefined
    ? { kind: 'stdio', ...target, cwd: process.cwd() }
    : { kind: 'http', url: new URL(target.url) };
const runtime = await createRuntime({ servers: [{ name: 'directory', command }] });

drive(() => runtime.callTool('directory', tool.name, { args: tool.arguments }));
