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
  slackText,
  type InSlackOptions,
  type SlackBlock,
  type SlackInline,
  type SlackMessages,
  type SlackPlace,
} from './in-slack.ts';
export { onConsole, throughModel, type SignInRequest, type TellPerson } from './tell-person.ts';
export type { Turn } from './turn.ts';
