/** Whom sign-ins of the command line are kept for: whom `persist` keeps them for, too. */
export const ownContext = 'default';
