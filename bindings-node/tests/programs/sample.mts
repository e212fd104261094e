// A strict program that uses every part of the package. It is compiled, and not run.

import { AccessToken, Broker, PendingLogin, TokenkeepError } from 'tokenkeep';
import type { BrokerOptions, Connection, DeviceAuthorization, Interaction, LoginOptions, TokenOptions } from 'tokenkeep';

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

const login: LoginOptions = { scopes: new Set(['a']), interaction: new Window(), signal: AbortSignal.timeout(5) };
const connection: Connection = await broker.login('microsoft', login);
console.log(connection.loggedInAt.getTime(), connection.expiresAt?.getTime(), connection.account.username?.length);

const asked: TokenOptions = { scopes: ['a'], minLifetime: 60 };
const token: AccessToken = await broker.token('microsoft', asked);
const headers: Record<string, string> = { authorization: token.authorizationHeader() };
const again: AccessToken | null = await broker.tokenAfterRefusal('microsoft', { refused: token.secret, wwwAuthenticate: ['Bearer'] });
const pending: PendingLogin = await broker.beginLogin('microsoft', { redirectUri: 'app://callback' });
await broker.finishLogin(pending, new URL(pending.authorizationUrl));
console.log(headers, again?.expiresAt, broker.cachedToken('microsoft')?.scopes.join(' '));

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
// @ts-expect-error There is no such code.
console.log(new Error() instanceof TokenkeepError && (TokenkeepError.prototype.code === 'no_such_code'));
