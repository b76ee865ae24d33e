export { ApiKeyStrategy } from './api-key-strategy.ts';
export { allowPlaintextStorage, AuthCoordinator, type AuthCoordinatorOptions } from './auth-coordinator.ts';
export type {
  Authorization,
  AuthStrategy,
  AuthStrategyDeps,
  AuthStrategyFactory,
  LogoutResult,
  Refusal,
} from './auth-strategy.ts';
export {
  AuthorizationRequiredError,
  findAuthorizationRequired,
  isAuthorizationRequired,
  type AuthChallenge,
} from './authorization-required-error.ts';
export {
  ClientManager,
  type ClientManagerOptions,
  type ParkingPlace,
  type ResumedCall,
} from './client-manager.ts';
export type { ClientHandlers, FromServer } from './client-handlers.ts';
export { Client, type ClientOptions, type Of, type SharedClientOptions } from './client.ts';
export type {
  CompletedAttempt,
  CompletionEvent,
  CompletionHandler,
  CompletionSubscriber,
  SignIn,
  StartedAttempt,
} from './completion.ts';
export { Context } from './context.ts';
export { LocalAuthCoordinator, type LocalAuthCoordinatorOptions } from './local-auth-coordinator.ts';
export { NoAuthStrategy } from './no-auth-strategy.ts';
export type { MachineGrant } from './machine-grants.ts';
export { OAuthStrategy, type OAuthStrategyOptions } from './oauth-strategy.ts';
export {
  RemoteAuthCoordinator,
  skipUserVerification,
  type RemoteAuthCoordinatorOptions,
} from './remote-auth-coordinator.ts';
export type {
  ApiKeyConfig,
  AuthConfig,
  ClientCredentialsConfig,
  EnterpriseManagedConfig,
  HttpServerConfig,
  JwtBearerConfig,
  MachineAuthConfig,
  OAuthConfig,
  OwnTransportConfig,
  ServerConfig,
  ServerConfigs,
  StdioServerConfig,
} from './server-config.ts';
export {
  canRetry,
  isConnecting,
  isFailed,
  isOperational,
  requiresUserAction,
  sessionStatuses,
  type SessionCategory,
  type SessionStatus,
  type SessionStatusFacts,
} from './session-status.ts';
export { Session } from './session.ts';
export { ToolAmbiguousError, ToolNotFoundError } from './tool-errors.ts';
export type { VerifyUser } from '../web/verify-user.ts';
