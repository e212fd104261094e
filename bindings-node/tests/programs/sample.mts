// A strict program that uses every part of the package. It is compiled, and not run.

import { AccessToken, AllowedHosts, Broker, PendingLogin, TokenkeepError } from 'tokenkeep';
import type { BrokerOptions, Connection, DeviceAuthorization, Interaction, LoginOptions, ProviderValue, ScopeCheck, TokenOptions } from 'tokenkeep';

const options: BrokerOptions = { home: process.env['SOME_HOME'], keySource: 'file', lockWait: 1.5 };
await using broker = new Broker(options);

class Window implements Interaction {
  async openUrl(url: string): Promise<void> {
    console.log(url);
  }
  showDeviceAuthorization(device: DeviceAuthorization): void {
    console.log(device.verificationUri, device.message?.length);
  }
}

const login: LoginOptions = { addScopes: new Set(['a']), prompt: 'login', clientCapabilities: ['cp1'], interaction: new Window(), signal: AbortSignal.timeout(5) };
const connection: Connection = await broker.login('microsoft', login);
console.log(connection.loggedInAt.getTime(), connection.expiresAt?.getTime(), connection.account.username?.length);

const application: Connection = await broker.login('microsoft', { flow: 'client_credentials', credentialFile: 'x' });
console.log(application.accessTokens[0]?.resource?.length, application.credentialExpiresAt?.getTime());

const resource = 'https://mcp.example/mcp';
const agent: Connection = await broker.login('mcp', { resource, wwwAuthenticate: 'Bearer', values: { region: 'eu' }, dpop: true });
console.log(agent.resource?.length, agent.values['region']?.length, agent.apiHosts.length, agent.dpop);
const proof: string = await broker.dpopProof('mcp', { resource, method: 'GET', url: new URL(resource) });
const hosts: AllowedHosts = await broker.allowedHosts('mcp', { resource });
const values: readonly ProviderValue[] = (await broker.provider('acme')).values;
const stored = await broker.registration('mcp', { issuer: 'https://issuer.example' });
console.log(proof, hosts, values[0]?.default?.length, stored?.issuer?.length, await broker.clientMetadataDocument(resource));

const asked: TokenOptions = { scopes: ['a'], minLifetime: 60, allowExtended: true };
const token: AccessToken = await broker.token('microsoft', asked);
const headers: Record<string, string> = { [token.headerName]: token.authorizationHeader(), other: token.bearer() };
const again: AccessToken | null = await broker.tokenAfterRefusal('microsoft', { refused: token.secret, wwwAuthenticate: ['Bearer'] });
const pending: PendingLogin = await broker.beginLogin('microsoft', { redirectUri: 'app://callback' });
await broker.finishLogin(pending, new URL(pending.authorizationUrl));
const response: string = token.sasl('xoauth2', 'me');
console.log(response, headers, again?.expiresAt, broker.cachedToken('microsoft')?.scopes.join(' '));

const { findings }: ScopeCheck = await broker.checkScopes('microsoft', 'a b');
console.log(findings.some(({ kind }) => kind === 'covered'), (await broker.explain('AADSTS65001'))[0]?.who.length);
const consent = await broker.adminConsentUrl('microsoft', { tenant: 'contoso', scopes: ['a'] });
const { tenant } = await broker.readAdminConsent(consent.state, new URL(consent.url));
console.log(tenant?.length);

for await (const { kind, connection } of broker.connectionChanges({ signal: AbortSignal.timeout(5) })) {
  const gone: boolean = kind === 'disappeared';
  console.log(gone, connection.account.username?.length);
  // @ts-expect-error There is no such change.
  if (kind === 'moved') break;
}

try {
  await broker.logout('microsoft', { connection: 'work' });
} catch (error) {
  if (error instanceof TokenkeepError && error.code === 'login_required') console.log(error.reason, error.retryAt);
}

// @ts-expect-error A connection is immutable.
connection.status = 'connected';
// @ts-expect-error A token is not made by a program.
new AccessToken('x');
// @ts-expect-error Nor is an error.
new TokenkeepError('x');
// @ts-expect-error There is no such option.
await broker.token('microsoft', { scope: 'a' });
// @ts-expect-error There is no such mechanism.
token.sasl('plain', 'me');
// @ts-expect-error There is no such code.
console.log(new Error() instanceof TokenkeepError && (TokenkeepError.prototype.code === 'no_such_code'));
