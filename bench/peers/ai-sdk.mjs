// A file in this folder, so that the package is found in the node_modules beside it.
export { auth, createMCPClient } from '@ai-sdk/mcp';
