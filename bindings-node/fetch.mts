// `tokenkeep/fetch` for `import`: the very function that `require` gives.

export { authorizedFetch } from './fetch.js';
export type * from './fetch.js';
