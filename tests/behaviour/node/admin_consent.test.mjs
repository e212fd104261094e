// An administrator consents for all of their organization.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CLIENT_ID, Stage, fails, person } from './stage.mjs';

const TENANT = '7f2c2d4e-5c3b-4a1f-9d0e-1b2a3c4d5e6f';
const PERSONAL = '9188040d-6c67-4c5b-b112-36a304b66dad';

/** The request to an administrator: its address, that address's parameters, and its state. */
async function ask(stage, options) {
  const request = await stage.broker().adminConsentUrl('microsoft', options);
  const url = new URL(request.url);
  const { state, redirect_uri: redirectUri, ...parameters } = Object.fromEntries(url.searchParams);
  assert.deepEqual({ ...request }, { url: url.href, state, redirectUri });
  return { url, state, redirectUri, ...parameters };
}

test('admin_consent_url_and_answer', async (t) => {
  const stage = await Stage.microsoft(t);
  // Before anybody has logged in: what a login would ask for, without what is about the person.
  const missing = await fails(ask(stage), 'registration_missing');
  assert.ok(missing.help.includes('http://localhost/callback'), missing.help);
  const asked = await ask(stage, { clientId: CLIENT_ID });
  assert.equal(`${asked.url.origin}${asked.url.pathname}`, `${stage.server.origin}/organizations/v2.0/adminconsent`);
  assert.equal(asked.client_id, CLIENT_ID);
  assert.equal(asked.scope, 'https://graph.microsoft.com/User.Read');
  assert.equal(asked.redirectUri, 'http://localhost/callback');
  assert.ok(asked.state.length >= 43);
  assert.notEqual((await ask(stage, { clientId: CLIENT_ID })).state, asked.state);
  assert.deepEqual(await stage.entries(), [], 'nothing is sent');

  // What the connection has; what is named replaces it.
  await stage.login({ tenant: 'contoso.example', scopes: 'User.Read Mail.Send' });
  const known = await ask(stage);
  assert.equal(known.url.pathname, '/contoso.example/v2.0/adminconsent');
  assert.equal(known.scope, 'User.Read Mail.Send');
  const app = 'https://app.example/consented';
  const named = await ask(stage, { tenant: TENANT, scopes: ['teams-read'], redirectUri: app });
  assert.equal(named.url.pathname, `/${TENANT}/v2.0/adminconsent`);
  assert.equal(named.redirectUri, app);
  assert.match(named.scope, /Team\.ReadBasic\.All/);
  const { url } = await ask(stage, { tenant: 'common', cloud: 'china' });
  assert.equal(url.hostname, 'login.partner.microsoftonline.cn');
  assert.equal(url.pathname, '/organizations/v2.0/adminconsent');
  for (const wrong of [
    { tenant: 'consumers' },
    { tenant: PERSONAL },
    { tenant: '../common' },
    { redirectUri: '/consented' },
    { redirectUri: 'https://app.example/#here' },
    { scopes: 'openid profile' },
  ]) {
    await fails(ask(stage, wrong), 'config_invalid');
  }
  await fails(stage.broker().adminConsentUrl('github'), 'unsupported');

  // An administrator says yes, and another one no; the server is Entra's double.
  const answered = async (decision) => {
    await stage.change({ person: decision });
    const { url, state } = await ask(stage, { tenant: TENANT });
    return stage.broker().readAdminConsent(state, await person.redirected(url));
  };
  const granted = { tenant: TENANT, scopes: ['User.Read', 'Mail.Send'] };
  assert.deepEqual({ ...(await answered('approve')) }, granted);
  const denied = await fails(answered('deny'), 'access_denied');
  assert.match(denied.help, /administrator/);

  const { state } = asked;
  const read = (query) => stage.broker().readAdminConsent(state, `http://localhost/callback?${query}`);
  const yes = `admin_consent=True&tenant=${TENANT}&scope=User.Read+Mail.Send&state=${state}`;
  assert.deepEqual({ ...(await read(yes)) }, granted);
  // Entra puts `admin_consent=True` into a refusal as well.
  const declined = 'error=consent_required&error_description=AADSTS65004%3a+User+declined';
  const no = await fails(read(`admin_consent=True&tenant=${TENANT}&state=${state}&${declined}`), 'access_denied');
  assert.equal(no.server.error, 'consent_required');
  for (const strange of [
    yes.replace(state, 'another'),
    yes.replace('&state', '&stat'),
    yes.replace('True', 'False'),
    `${yes}&state=${state}`,
    `error=access_denied&state=x${state}`,
    '',
  ]) {
    await fails(read(strange), 'provider_rejected');
  }
});
