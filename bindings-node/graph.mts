// `tokenkeep/graph` for `import`: the very class that `require` gives.

export { TokenkeepAuthenticationProvider } from './graph.js';
export type * from './graph.js';
