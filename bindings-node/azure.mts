// `tokenkeep/azure` for `import`: the very class that `require` gives.

export { TokenkeepCredential } from './azure.js';
export type * from './azure.js';
