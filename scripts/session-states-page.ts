import {
  connectionConditions,
  type ConditionActor,
  type ConnectionConditionFacts,
} from '../src/client/session/connection-condition.ts';
import {
  canRetry,
  isConnecting,
  isFailed,
  isOperational,
  requiresUserAction,
  sessionStatuses,
  type SessionCategory,
  type SessionStatus,
  type SessionStatusFacts,
} from '../src/client/session/session-status.ts';

const categories: Record<SessionCategory, string> = {
  active: 'the session is connected, or on its way there by itself',
  pending: 'a person has to do something',
  disconnected: 'there is no connection, and none is being made',
  recoverable: 'it failed, and the same `connect()` may succeed',
  terminal: 'it failed, and something has to change first',
};

const predicates = { isOperational, isConnecting, isFailed, canRetry, requiresUserAction };

const actors: Record<ConditionActor, string> = {
  nobody: 'nobody',
  person: 'the person',
  operator: 'the operator',
  developer: 'the developer',
  server: 'the other server',
};

/** `docs/session-states.md`, from the tables of statuses and conditions. */
export function renderSessionStatesPage(): string {
  const statuses = Object.entries(sessionStatuses) as [SessionStatus, SessionStatusFacts][];
  return `<!-- Made from src/client/session/session-status.ts and connection-condition.ts by \`node scripts/render-docs.ts\`. Change it there. -->

# States of a session

A session is one connection of one user to one MCP server. \`connect()\` never throws for what the server does: it sets the
status. A transition that is not in this table is a defect and throws \`ERR_POSTERN_CLIENT_TRANSITION_ILLEGAL\`.

\`CONNECTED\` is said only after an authenticated request succeeded as that user.

## What each status means, and what to do

| Status | Category | What to do | Goes on to |
|---|---|---|---|
${statuses.map(([status, facts]) => `| \`${status}\` | ${facts.category} | ${facts.whatToDo} | ${facts.next.map((next) => `\`${next}\``).join(' ')} |`).join('\n')}

## Categories

| Category | Means | Statuses |
|---|---|---|
${Object.entries(categories)
  .map(([category, about]) => {
    const members = statuses
      .filter(([, facts]) => facts.category === category)
      .map(([status]) => `\`${status}\``);
    return `| ${category} | ${about} | ${members.join(' ')} |`;
  })
  .join('\n')}

## Questions to ask of a status

| Question | Statuses |
|---|---|
${Object.entries(predicates)
  .map(([name, holds]) => {
    const members = statuses.filter(([status]) => holds(status)).map(([status]) => `\`${status}\``);
    return `| \`${name}\` | ${members.join(' ')} |`;
  })
  .join('\n')}

## What can be wrong, and the way back

\`session.condition\` says which of these holds, with the evidence: the code of the error, the status, the phase, what the other
side answered, and since when. It follows from codes and types, never from texts. \`client.conditions\` has that of every server.
\`connect({ force: true })\` starts over: what was found out about the authorization server is looked up again, a client that
registered itself registers anew, a person who declined is asked, and a credential that cannot be renewed leads to a person.

| Condition | Who acts next | The way back | By itself | For whoever runs it |
|---|---|---|---|---|
${conditionRows((facts) => [actors[facts.actor], facts.call.replaceAll(/[\w.]+\([^)]*\)/gu, '`$&`'), facts.retriesByItself ? 'yes' : 'no', facts.words.operator])}

What the person and the model are told of each; \`explain(error, { for: 'person' | 'model' | 'operator' })\` says the same of errors:

| Condition | The person | The model |
|---|---|---|
${conditionRows(({ words }) => [words.person, words.model])}

## Transitions

Every status but \`DISCONNECTING\` may also go to \`DISCONNECTING\`, when the session is closed; the diagram leaves those out.

\`\`\`mermaid
stateDiagram-v2
    [*] --> INITIALIZING
${statuses
  .flatMap(([status, { next }]) =>
    next.filter((to) => to !== 'DISCONNECTING').map((to) => `    ${status} --> ${to}`),
  )
  .join('\n')}
    DISCONNECTED --> [*]
\`\`\`
`;
}

function conditionRows(cells: (facts: ConnectionConditionFacts) => readonly string[]): string {
  return Object.entries(connectionConditions)
    .map(([condition, facts]) => `| ${[`\`${condition}\``, ...cells(facts)].join(' | ')} |`)
    .join('\n');
}
