export type { Principal } from './caller.ts';
export type { CredentialRequest } from './credential-request.ts';
export type { AcquireOptions, Credentials } from './credentials.ts';
export type { CredentialStore, StoredCredential } from './credential-store.ts';
export { deviceCode, type DeviceCodeOptions, type DeviceCodeView } from './device-code.ts';
export type {
  Flow,
  FlowPendingData,
  FlowRequest,
  FlowStart,
  FlowVisit,
  FlowWatch,
  NamedFlow,
} from './flow.ts';
export type { FormField, FormSchema, FormValues } from './form-schema.ts';
export {
  findInteractionRequired,
  InteractionRequiredError,
  type Interaction,
} from './interaction-required-error.ts';
export type { OAuthCredential } from './oauth-credential.ts';
export { oauthRedirect, type OAuthRedirectOptions, type OAuthRedirectView } from './oauth-redirect.ts';
export { createOob, Oob, skipUserVerification, type OobOptions } from './oob.ts';
export {
  currentNamespace,
  currentPending,
  PendingManager,
  withPending,
  type PendingManagerOptions,
  type WithPendingOptions,
} from './pending-manager.ts';
export {
  assertNoSecrets,
  secretForm,
  type SecretFormOptions,
  type SecretFormView,
  type SecretVerdict,
} from './secret-form.ts';
export type { ToolCallback, ToolOptions, ToolResult } from './tool.ts';
export type { PendingContent } from './tool-answers.ts';
export type { ToolContext, ToolHandler, ToolProgress } from './tool-run.ts';
export type { VerifyUser } from '../web/verify-user.ts';
export type { Caller, NamespaceProvider } from '../namespace/namespace-provider.ts';
export { FormRefusedError, readForm } from '../web/form-request.ts';
