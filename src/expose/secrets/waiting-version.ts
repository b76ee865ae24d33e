/** What stands in for a child says this of its version: no child that has its secrets has it. */
export const waitingVersion = 'waiting';
