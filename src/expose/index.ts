export { addApiKey } from './access/api-key-file.ts';
export type { AccessChoice, ExposeLimits, ExposeOptions, SecretVariable } from './expose-options.ts';
export { runExpose, type RunExposeOptions } from './run-expose.ts';
export { startExpose, type Exposed } from './start-expose.ts';
export { forgetSecrets, type ForgetSecretsOptions } from './secrets/forget-secrets.ts';
export { serverName } from './server-name.ts';
