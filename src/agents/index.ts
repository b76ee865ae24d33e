export { authToolName } from './auth-tool.ts';
export type { AgentCall, AgentTool } from './agent-tool.ts';
export {
  AgentRuns,
  type AgentRunsOptions,
  type Beginning,
  type RunAnswer,
  type RunFailure,
  type Started,
  type Stop,
  type Woken,
} from './agent-runs.ts';
export { needs, type Need, type ToolAt } from './needs.ts';
export type { AccountsOf } from './services.ts';
export {
  inSlack,
  onConsole,
  throughModel,
  type SignInRequest,
  type SlackMessages,
  type SlackPlace,
  type TellPerson,
} from './tell-person.ts';
export type { Turn } from './turn.ts';
