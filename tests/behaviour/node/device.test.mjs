// A person logs in with a code, on another device.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Stage, fails, person } from './stage.mjs';

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

/** A stage whose server wants to be asked every second. */
async function everySecond(made) {
  const stage = await made;
  await stage.change({ device_interval: 1 });
  return stage;
}

/** A device login that has shown its address and its code. */
async function begin(stage, options) {
  const login = await stage.beginLogin({ flow: 'device_code', ...options });
  assert.match(login.device.userCode, /^[A-Z]{4}-[A-Z]{4}$/);
  return login;
}

/** A device login whose person, if there is one, sees the code elsewhere. */
function login(stage) {
  return stage.login({ flow: 'device_code', interaction: { showDeviceAuthorization() {} } });
}

test('login_with_a_device_code', async (t) => {
  const stage = await everySecond(Stage.acme(t));
  const { device, ended } = await begin(stage);
  assert.equal(device.verificationUri, `${stage.server.origin}/device`);
  assert.ok(device.verificationUriComplete.includes(device.userCode));
  assert.deepEqual([device.message, device.expiresIn], [null, 900]);
  const entered = await person.enterUserCode({ ...device, userCode: device.userCode.toLowerCase() });
  assert.equal(entered, 0);
  const connection = await ended;
  assert.deepEqual([connection.provider, connection.status], ['acme', 'connected']);
  assert.equal(await stage.resource(await stage.accessToken()), 200);
});

test('device_login_slows_down_when_told', async (t) => {
  const stage = await everySecond(Stage.acme(t));
  await stage.change({ device_approve_after: 1 });
  await stage.fault({ endpoint: 'token', grant_type: DEVICE_CODE, skip: 1, action: { type: 'slow_down' } });
  await login(stage);
  // pending, slow_down, granted: RFC 8628 3.5 adds five seconds to the interval of one.
  const { poll_gaps: gaps } = await stage.journal();
  assert.equal(gaps.length, 2, String(gaps));
  assert.ok(gaps[0] >= 1000 && gaps[0] < 3000 && gaps[1] >= 6000, String(gaps));
});

test('device_login_at_microsoft', async (t) => {
  const stage = await everySecond(Stage.microsoft(t));
  const { device, ended } = await begin(stage, { tenant: 'organizations' });
  assert.match(device.message, /To sign in, use a web browser to open the page/);
  assert.ok(device.message.includes(device.userCode) && device.message.includes(device.verificationUri));
  await person.enterUserCode(device);
  const { account, tenant } = await ended;
  assert.equal(tenant, 'organizations');
  assert.equal(account.username, 'person@example.com');
  for (const name of ['homeAccountId', 'tenantId', 'subject', 'issuer']) assert.ok(account[name], name);

  const [asked] = await stage.entries('device');
  assert.equal(asked.path, '/organizations/oauth2/v2.0/devicecode');
  assert.equal(asked.parameters.scope, 'https://graph.microsoft.com/User.Read openid profile offline_access');
  const polls = await stage.asked(DEVICE_CODE);
  assert.notEqual(polls.length, 0);
  for (const entry of [asked, ...polls]) {
    assert.equal(entry.origin, false);
    assert.ok(!('client_secret' in entry.parameters) && !('resource' in entry.parameters));
  }
  for (const poll of polls) assert.equal(poll.parameters.client_info, '1');
});

test('device_login_denied', async (t) => {
  for (const made of [Stage.acme(t), Stage.microsoft(t)]) {
    const stage = await everySecond(made);
    const { device, ended } = await begin(stage);
    await person.enterUserCode(device, '--deny');
    await fails(ended, 'access_denied');
    assert.deepEqual(stage.records(), []);
    assert.equal((await stage.asked(DEVICE_CODE)).length, 1, 'a no is final');
  }
});

test('device_code_expired', async (t) => {
  // The server says so.
  let stage = await everySecond(Stage.microsoft(t));
  await stage.fault({ endpoint: 'token', action: { type: 'expired_token' } });
  await fails(login(stage), 'login_timed_out');
  assert.equal((await stage.asked(DEVICE_CODE)).length, 1);

  // The code's time is over before the first poll: nobody asks any more.
  stage = await Stage.microsoft(t);
  await stage.change({ device_lifetime: 1 });
  const begun = performance.now();
  await fails(login(stage), 'login_timed_out');
  const took = performance.now() - begun;
  assert.ok(took < 4000, `${took} ms`);
  assert.deepEqual(await stage.asked(DEVICE_CODE), []);
  assert.deepEqual(stage.records(), []);
});
