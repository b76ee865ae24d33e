import type { Authorization, AuthStrategy } from './auth-strategy.ts';

/** Sends nothing, and lets every refusal stand. */
export class NoAuthStrategy implements AuthStrategy {
  authorize(): Promise<Authorization> {
    return Promise.resolve({ headers: {} });
  }

  handleRefusal(): Promise<boolean> {
    return Promise.resolve(false);
  }
}
