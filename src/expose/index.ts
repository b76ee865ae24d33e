export type { AccessChoice, ExposeOptions } from './expose-options.ts';
export { runExpose, type RunExposeOptions } from './run-expose.ts';
export { serverName } from './server-name.ts';
export { startExpose, type Exposed } from './start-expose.ts';
