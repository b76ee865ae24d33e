export { ApiKeyStrategy } from './auth/api-key-strategy.ts';
export { AuthCoordinator } from './coordinators/auth-coordinator.ts';
export {
  allowPlaintextStorage,
  type AuthCoordinatorOptions,
  type SignInBy,
} from './coordinators/coordinator-options.ts';
export type { Guard } from '../http/guard.ts';
export type {
  ClientCertificate,
  NetworkLimits,
  NetworkOptions,
  ProxyChoice,
} from '../http/network-options.ts';
export type {
  Authorization,
  AskedPerson,
  AuthStrategy,
  AuthStrategyDeps,
  AuthStrategyFactory,
  LogoutResult,
  Refusal,
} from './auth/auth-strategy.ts';
export {
  AuthorizationRequiredError,
  findAuthorizationRequired,
  isAuthorizationRequired,
  type AuthChallenge,
} from './auth/authorization-required-error.ts';
export {
  ClientManager,
  type ClientManagerOptions,
  type ParkingPlace,
  type ResumedCall,
} from './client-manager.ts';
export type { ClientHandlers, FromServer } from './session/client-handlers.ts';
export { Client } from './client.ts';
export type { ClientOptions, Of, SharedClientOptions, Which } from './client-options.ts';
export type {
  CompletionEvent,
  CompletionSubscriber,
  SignInEvent,
  StartEvent,
  SubscribeOptions,
} from './coordinators/completion.ts';
export { Context } from './context.ts';
export { explain, type Audience } from '../core/explain.ts';
export {
  LocalAuthCoordinator,
  type LocalAuthCoordinatorOptions,
} from './coordinators/local-auth-coordinator.ts';
export type { SignInLink } from './coordinators/sign-in-link.ts';
export { NoAuthStrategy } from './auth/no-auth-strategy.ts';
export type { ClientConfig, WorkloadClientConfig } from './auth/client-config.ts';
export type { MachineGrant } from './auth/machine-grants.ts';
export type { SecretSource } from './auth/secret-source.ts';
export { OAuthStrategy, type OAuthStrategyOptions } from './auth/oauth-strategy.ts';
export {
  RemoteAuthCoordinator,
  type RemoteAuthCoordinatorOptions,
} from './coordinators/remote-auth-coordinator.ts';
export { skipUserVerification } from '../interaction/gates/deployment.ts';
export type { AskedInteraction } from '../interaction/gates/gate.ts';
export type { KeptCredential } from '../interaction/credentials/kept-credential.ts';
export type {
  Account,
  CredentialFacts,
  CredentialKind,
  CredentialState,
  Revocation,
} from '../interaction/credential-kind.ts';
export type { SignInCode } from '../interaction/oauth/sign-in-code.ts';
export type { Flow, FlowBeginning, FlowStart, FlowVisit, NamedFlow } from '../interaction/flow.ts';
export type { BrowserSecurityExceptions, SecurityExceptions } from './security-exceptions.ts';
export type {
  AnyServerConfig,
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
} from './session/session-status.ts';
export type { HealthMonitor, HealthMonitorOptions, HealthReport } from './health-monitor.ts';
export type { KeptAccount } from './kept-account.ts';
export {
  connectionConditions,
  type ConditionActor,
  type ConnectionCondition,
  type ConnectionConditionFacts,
} from './session/connection-condition.ts';
export type { VersionNegotiation } from './session/version-offer.ts';
export type { ConditionReport, SessionPhase } from './session/session-state.ts';
export { Session } from './session/session.ts';
export { SessionAuthProvider } from './session/session-auth-provider.ts';
export { SessionCredential } from './session/session-credential.ts';
export { oauthClientProvider, type SessionOAuthClientProvider } from './session/oauth-client-provider.ts';
export { ToolAmbiguousError, ToolNotFoundError } from './tool-errors.ts';
export type { ResumePolicy } from '../resume/continuations.ts';
export type { VerifyUser } from '../web/verify-user.ts';
