// A strict program that uses every adapter with what it adapts. It is compiled, and not run.

import type { TokenCredential } from '@azure/core-auth';
import { bearerTokenAuthenticationPolicy } from '@azure/core-rest-pipeline';
import { Client, type AuthenticationProvider } from '@microsoft/microsoft-graph-client';
import { AllowedHosts, Broker } from 'tokenkeep';
import { TokenkeepCredential } from 'tokenkeep/azure';
import { authorizedFetch, type AuthorizedFetchOptions } from 'tokenkeep/fetch';
import { TokenkeepAuthenticationProvider, type AuthenticationOptions } from 'tokenkeep/graph';

const broker = new Broker();

const credential: TokenCredential = new TokenkeepCredential(broker, 'microsoft', { connection: 'work' });
bearerTokenAuthenticationPolicy({ credential, scopes: ['https://graph.microsoft.com/.default'] });
const { expiresOnTimestamp } = await new TokenkeepCredential(broker, 'microsoft').getToken('a', {
  abortSignal: AbortSignal.timeout(5),
});
console.log(expiresOnTimestamp.toFixed());

const named: AuthenticationOptions = { scopes: new Set(['User.Read']), connection: process.env['SOME_CONNECTION'] };
const authProvider: AuthenticationProvider = new TokenkeepAuthenticationProvider(broker, 'microsoft', named);
const graph: Client = Client.initWithMiddleware({ authProvider });
console.log(await graph.api('/me').get());

const allowed: AuthorizedFetchOptions = { allowedHosts: ['graph.microsoft.com'], fetch: globalThis.fetch };
const authorized: typeof fetch = authorizedFetch(broker, 'microsoft', allowed);
const answer: Response = await authorized(new URL('https://graph.microsoft.com/v1.0/me'), { method: 'DELETE' });
console.log(answer.status, await authorized(new Request('https://graph.microsoft.com/v1.0/me')));

const hosts = new AllowedHosts('*.sharepoint.com');
hosts.require(new URL('https://contoso.sharepoint.com'));
const isAllowed: boolean = hosts.allow({ protocol: 'https:', hostname: 'contoso.sharepoint.com', port: '' });
console.log(isAllowed);

const ofResource: typeof fetch = authorizedFetch(broker, 'mcp', { resource: 'https://mcp.example/mcp' });
console.log(ofResource);
// @ts-expect-error A host is a text.
authorizedFetch(broker, 'microsoft', { allowedHosts: new URL('https://graph.microsoft.com') });
// @ts-expect-error An address is read by `URL` alone.
hosts.allow('https://contoso.sharepoint.com');
