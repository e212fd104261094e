// MSAL Node does at the scripted server what programs do at Microsoft's: several resources of one login, consent that is
// missing, a claims challenge, a resource that wants more of the person, and a client that asks for itself.
//
// usage: node microsoft.mjs ORIGIN CA_FILE STAND_IN_PERSON KEY CERTIFICATE, with NODE_EXTRA_CA_CERTS
//
// microsoft.py does the same with MSAL Python. Any surprise is an error, and a non-zero exit.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { ConfidentialClientApplication, PublicClientApplication } from '@azure/msal-node';

const [ORIGIN, , STAND_IN_PERSON, KEY, CERTIFICATE] = process.argv.slice(2);
const CLIENT_ID = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
const APPLICATION_ID = '5f1ad2a6-3c44-4d6c-9d0b-7f6f2a1e9c55';
const TENANT = '7f2c2d4e-5c3b-4a1f-9d0e-1b2a3c4d5e6f';
const SECRET = 's3cret';
const GRAPH = ['User.Read'];
const VAULT = ['https://vault.azure.net/user_impersonation'];
const STORAGE = ['https://storage.azure.com/user_impersonation'];
const STEP_UP = { access_token: { capolids: { essential: true, values: ['c1'] } } };

async function control(verb, body) {
  const answer = await fetch(`${ORIGIN}/_control/${verb}`, { method: 'POST', body: JSON.stringify(body) });
  assert(answer.ok, `${verb}: ${answer.status}`);
}

function me(token) {
  return fetch(`${ORIGIN}/v1.0/me`, { headers: { Authorization: `Bearer ${token}` } });
}

/** The settings of a client at a host that is not Microsoft's. */
function auth(clientId, tenant, more) {
  return { auth: { clientId, authority: `${ORIGIN}/${tenant}`, knownAuthorities: [new URL(ORIGIN).host], ...more } };
}

/** Somebody who logs in to several resources of a client that can meet claims challenges. */
class Person {
  app = new PublicClientApplication(auth(CLIENT_ID, 'organizations', { clientCapabilities: ['cp1'] }));

  login(more) {
    const openBrowser = async (url) => void execFile(STAND_IN_PERSON, [url]);
    return this.app.acquireTokenInteractive({ scopes: GRAPH, loginHint: 'adele@contoso.com', openBrowser, ...more });
  }

  async silently(scopes, more) {
    const [account, ...others] = await this.app.getAllAccounts();
    assert.equal(others.length, 0);
    return this.app.acquireTokenSilent({ scopes, account, ...more });
  }
}

/** The first token is about to end; the second resource was consented to, the third was not. */
async function resourcesOfOneLogin(person) {
  await control('options', { access_token_lifetime: 60 });
  const first = await person.login({ extraScopesToConsent: VAULT });
  await control('options', { access_token_lifetime: 3600 });
  const second = await person.silently(GRAPH);
  assert(!second.fromCache && second.accessToken !== first.accessToken);
  const vault = await person.silently(VAULT);
  assert(!vault.fromCache);
  for (const [scopes, token] of [[GRAPH, second], [VAULT, vault]]) {
    const again = await person.silently(scopes);
    assert(again.fromCache && again.accessToken === token.accessToken);
  }
  await assert.rejects(person.silently(STORAGE), { errorCode: 'invalid_grant', subError: 'consent_required' });
}

/** An API wants another token; no person is asked. */
async function claimsChallenge(person) {
  const { accessToken } = await person.silently(GRAPH);
  const claims = { access_token: { nbf: { essential: true, value: '1700000000' } } };
  await control('faults', { endpoint: 'resource', action: { type: 'challenge', claims } });
  const refused = await me(accessToken);
  assert.equal(refused.status, 401);
  const [, encoded] = /claims="([^"]+)"/.exec(refused.headers.get('www-authenticate'));
  const fresh = await person.silently(GRAPH, { claims: Buffer.from(encoded, 'base64').toString() });
  const answer = await (await me(fresh.accessToken)).json();
  assert.equal(answer.userPrincipalName, 'adele@contoso.com');
}

/** A resource wants more of the person, who comes back with it. */
async function stepUp(person) {
  await control('options', { step_up: { 'https://vault.azure.net': STEP_UP } });
  const refused = await person.silently(VAULT, { forceRefresh: true }).catch((error) => error);
  assert.deepEqual([refused.errorCode, refused.subError], ['interaction_required', 'basic_action']);
  assert(!(await person.silently(GRAPH, { forceRefresh: true })).fromCache);
  await person.login({ claims: refused.claims });
  assert(!(await person.silently(VAULT, { forceRefresh: true })).fromCache);
}

/** A client that asks for itself. */
async function application(credential) {
  const app = new ConfidentialClientApplication(auth(APPLICATION_ID, TENANT, credential));
  for (const resource of ['https://graph.microsoft.com', 'https://vault.azure.net']) {
    const result = await app.acquireTokenByClientCredential({ scopes: [`${resource}/.default`] });
    assert(result.accessToken && !result.fromCache);
  }
}

const person = new Person();
await resourcesOfOneLogin(person);
await claimsChallenge(person);
await stepUp(person);
const privateKey = readFileSync(KEY, 'utf8');
const certificate = new X509Certificate(readFileSync(CERTIFICATE));
const hex = (fingerprint) => fingerprint.replaceAll(':', '');
await application({ clientSecret: SECRET });
await application({ clientCertificate: { privateKey, thumbprintSha256: hex(certificate.fingerprint256) } });
await application({ clientCertificate: { privateKey, thumbprint: hex(certificate.fingerprint) } });
