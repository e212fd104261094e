// What the package exports, but for the adapters. The ES module beside it exports the same objects.

export { Broker, PendingLogin } from './broker.js';
export { TokenkeepError } from './errors.js';
export type { ErrorCode, LoginReason, ServerError } from './errors.js';
export { AllowedHosts } from './hosts.js';
export type { Destination } from './hosts.js';
export type { DeviceAuthorization, Interaction } from './interaction.js';
export type * from './options.js';
export { AccessToken } from './records.js';
export type {
  Account,
  AdminConsent,
  AdminConsentRequest,
  Connection,
  ConnectionChange,
  Connections,
  Explanation,
  HeldToken,
  LogoutOutcome,
  Provider,
  ProviderValue,
  Providers,
  Registration,
  RegistrationRemoval,
  ScopeCheck,
  ScopeFinding,
  VaultState,
} from './records.js';
