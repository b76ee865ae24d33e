import { PosternError } from '../../core/postern-error.ts';
import type { MastraAgent, MastraWorkflows } from './sdk-types.ts';

/** The workflows that a run of an agent is, by Mastra's names for them: its loop, and one round of that. */
const workflowNames = ['agentic-loop', 'executionWorkflow'];

/** What Mastra resumes a run by, as JSON: the snapshot of each of its workflows. */
export type KeptSnapshots = Readonly<Record<string, unknown>>;

type Registered = Pick<MastraAgent, 'getMastraInstance'>;

/**
 * Takes what a suspended run is resumed by out of Mastra's storage.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when nothing is there, or nowhere.
 */
export async function takeSnapshots(agent: Registered, runId: string): Promise<KeptSnapshots> {
  const workflows = await findWorkflows(agent);
  const taken: Record<string, unknown> = {};
  for (const workflowName of workflowNames) {
    const snapshot = await workflows.loadWorkflowSnapshot({ workflowName, runId });
    if (snapshot === null || snapshot === undefined)
      throw misconfigured('Mastra kept nothing of a run that is suspended');
    taken[workflowName] = snapshot;
  }
  for (const workflowName of workflowNames) await workflows.deleteWorkflowRunById({ workflowName, runId });
  return taken;
}

/** Puts it back, where Mastra looks for it. */
export async function putSnapshots(agent: Registered, runId: string, kept: KeptSnapshots): Promise<void> {
  const workflows = await findWorkflows(agent);
  for (const [workflowName, snapshot] of Object.entries(kept))
    await workflows.persistWorkflowSnapshot({ workflowName, runId, snapshot });
}

/** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the agent has no Mastra, or that no storage. */
export async function findWorkflows(agent: Registered): Promise<MastraWorkflows> {
  const workflows = await agent.getMastraInstance()?.getStorage()?.getStore('workflows');
  if (workflows === undefined) throw misconfigured('an agent that may pause needs a Mastra with a storage');
  return workflows;
}

function misconfigured(message: string): PosternError {
  return new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', message, {
    hint: 'Register it: new Mastra({ agents: { assistant }, storage: new InMemoryStore() }). What is paused, Postern keeps.',
  });
}
