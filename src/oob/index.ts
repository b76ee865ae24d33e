export type { CredentialKind, CredentialState, Revocation } from '../interaction/credential-kind.ts';
export type { Forgotten } from '../interaction/credentials/retirements.ts';
export { currentNamespace, currentPending, enterPending } from '../interaction/enter-pending.ts';
export type {
  Answer,
  Flow,
  FlowBeginning,
  FlowHands,
  FlowRequest,
  FlowStart,
  FlowVisit,
  FlowWatch,
  InteractionData,
  NamedFlow,
} from '../interaction/flow.ts';
export { skipUserVerification } from '../interaction/gates/deployment.ts';
export type { AskedInteraction } from '../interaction/gates/gate.ts';
export {
  findInteractionRequired,
  InteractionRequiredError,
  type Interaction,
} from '../interaction/interaction-required-error.ts';
export type { WaitForPerson } from '../interaction/interactions.ts';
export { deviceCode, type DeviceCodeOptions, type DeviceCodeView } from '../interaction/oauth/device-code.ts';
export type { OAuthCredential } from '../interaction/oauth/grant-kind.ts';
export {
  oauthRedirect,
  type OAuthRedirectOptions,
  type OAuthRedirectView,
} from '../interaction/oauth/oauth-redirect.ts';
export type { FormField, FormSchema, FormValues } from '../web/form-schema.ts';
export type { StandardFormSchema } from '../web/standard-schema.ts';
export {
  assertNoSecrets,
  secretForm,
  type SecretFormOptions,
  type SecretFormValues,
  type SecretFormView,
  type SecretVerdict,
} from '../interaction/forms/secret-form.ts';
export type { KeptCredential } from '../interaction/credentials/kept-credential.ts';
export { thisMachine, type ThisMachineOptions } from '../interaction/this-machine/this-machine.ts';
export type { Caller, NamespaceProvider } from '../namespace/namespace-provider.ts';
export { FormRefusedError, readForm } from '../web/form-request.ts';
export type { ResumePolicy } from '../resume/continuations.ts';
export type { VerifyUser } from '../web/verify-user.ts';
export type { CredentialRequest } from './credential-request.ts';
export type { Credentials } from './credentials.ts';
export { Oob, type OobOptions } from './oob.ts';
export {
  PendingManager,
  withPending,
  type PendingManagerOptions,
  type WithPendingOptions,
} from './pending-manager.ts';
export type { RequestParking, ResumedRequest } from './parked-requests.ts';
export type { Principal } from './principal.ts';
export type { DeletedAccount, LoginAccount, LoginAccounts } from './login/login-accounts.ts';
export type { LoginAccountContent, LoginContent, LoginPendingContent } from './login/login-content.ts';
export { loginTool, type LoginTool } from './login/login-tool.ts';
export type { LoginToolOptions } from './login/login-tool-options.ts';
export type { Login, LoginStatus } from './login/logins.ts';
export type { PendingContent } from './call-answers.ts';
export type { ToolOptions } from './call.ts';
export type { ToolContext, ToolProgress } from './handler-run.ts';
export type {
  PromptCallback,
  PromptHandler,
  ResourceHandler,
  ResourceTemplateHandler,
  ToolCallback,
  ToolHandler,
  ToolResult,
} from './tool.ts';
