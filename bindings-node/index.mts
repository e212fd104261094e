// The package for `import`: the very classes that `require` gives.

export { AccessToken, AllowedHosts, Broker, PendingLogin, TokenkeepError } from './index.js';
export type * from './index.js';
