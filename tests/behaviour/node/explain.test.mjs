// Microsoft's error codes: what is said of them when somebody asks, and when they come.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { Broker } from 'tokenkeep';
import { Home, root } from '../../support/node/index.mjs';
import { CLIENT_ID, Stage, fails, person } from './stage.mjs';

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

/** The codes of the table. */
function codes() {
  const table = readFileSync(join(root, 'core/src/protocol/aadsts.toml'), 'utf8');
  return [...table.matchAll(/^\[(\d+)\]$/gm)].map(([, code]) => code);
}

/** The one command at the end of a help. */
function command({ help }) {
  const commands = help.split('\n').at(-1).split('`').filter((_, n) => n % 2 === 1);
  assert.equal(commands.length, 1, help);
  return commands[0];
}

test('explain_says_who_must_act', async (t) => {
  const home = new Home();
  t.after(() => home.remove());
  const broker = new Broker(home.options);
  const known = codes();
  assert.ok(known.length >= 146, String(known.length));
  const all = await broker.explain(known.join(' '));
  assert.deepEqual(all.map(({ code }) => code), known.map((code) => `AADSTS${code}`));
  for (const { who, command, name, meaning, remedy } of all) {
    assert.ok(['user', 'developer', 'administrator', 'service', 'nobody'].includes(who), who);
    assert.ok(name && meaning && remedy, `${name}: ${meaning} ${remedy}`);
    assert.ok(command === null || command.startsWith('tokenkeep '), command);
  }
  const [consent] = await broker.explain('aadsts65001');
  assert.ok(Object.isFrozen(consent));
  assert.deepEqual(consent, all[known.indexOf('65001')]);
  assert.equal(consent.who, 'user');

  // A whole error, as it was pasted: each code once, and no number that is something else.
  const pasted = JSON.stringify({
    error: 'invalid_grant',
    error_description: 'AADSTS50076: no. Trace ID: 65001 AADSTS53003 AADSTS1',
    error_codes: [50076],
    port: 50173,
  });
  assert.deepEqual((await broker.explain(pasted)).map(({ code }) => code), ['AADSTS50076', 'AADSTS53003']);
  for (const unknown of ['AADSTS4711', '4711', 'port 65001']) {
    const failure = await fails(() => broker.explain(unknown), 'config_invalid');
    if (unknown !== 'port 65001') assert.match(failure.help, /https:\/\/login\.microsoftonline\.com\/error\?code=4711/);
  }
  assert.ok(!existsSync(home.store), 'a question about a code makes no store');
});

test('help_of_an_error_is_its_explanation', async (t) => {
  const stage = await Stage.microsoft(t);
  const work = { connection: 'work' };
  // Each as Microsoft sends it: the grant lives on; the grant has ended; the app is to be put right.
  for (const [code, refusal, number] of [
    ['interaction_required', { error: 'invalid_grant', suberror: 'basic_action' }, 50076],
    ['login_required', { error: 'invalid_grant' }, 50173],
    ['provider_rejected', { error: 'invalid_client' }, 7000222],
  ]) {
    await stage.loginExpired(work);
    await stage.atRefresh({ type: 'error', ...refusal, numbers: [number] });
    const error = await fails(stage.token(work), code);
    const [explanation] = await stage.broker().explain(String(number));
    assert.ok(error.help.includes(explanation.remedy), error.help);
    const own = explanation.command.replace('login microsoft', 'login microsoft --connection work');
    assert.equal(command(error), own);
    assert.deepEqual(error.server.errorCodes, [number]);
  }

  // What a support request needs is told with the refusal, and again while it is kept.
  await stage.loginExpired(work);
  const refusal = { type: 'error', error: 'invalid_grant', suberror: 'message_only', numbers: [53003] };
  await stage.atRefresh(refusal);
  const before = (await stage.refreshes()).length;
  const first = await fails(stage.token(work), 'interaction_required');
  const again = await fails(stage.token(work), 'interaction_required');
  assert.equal((await stage.refreshes()).length, before + 1);
  assert.deepEqual([first.help, first.server], [again.help, again.server]);
  const { correlationId, traceId } = again.server;
  assert.ok(correlationId.length === 36 && traceId, inspect(again.server));

  // A login that failed is not remembered: the command has what it was given.
  await stage.atRedemption({ type: 'error', error: 'invalid_client', numbers: [7000218] });
  const error = await fails(stage.login({ connection: 'home', scopes: ['Mail.Read'] }), 'provider_rejected');
  assert.match(error.help, /Authentication -> Allow public client flows/);
  const options = `--connection home --flow pkce --client-id ${CLIENT_ID} --scopes "Mail.Read"`;
  assert.equal(command(error), `tokenkeep login microsoft ${options}`);
});

test('device_code_blocked_suggests_the_browser', async (t) => {
  // Hints alone: what kind of error it is, `error` and `suberror` say.
  const stage = await Stage.microsoft(t);
  await stage.change({ device_interval: 1 });
  const login = (interaction = { showDeviceAuthorization() {} }) =>
    stage.login({ connection: 'work', flow: 'device_code', interaction });
  const byFlow = (flow) => `tokenkeep login microsoft --connection work --flow ${flow} --client-id ${CLIENT_ID}`;
  for (const [code, name, number] of [
    ['access_denied', 'access_denied', 53003],
    ['access_denied', 'authorization_declined', 50005],
    ['login_required', 'invalid_grant', 53000],
    ['login_required', 'invalid_grant', 530035],
  ]) {
    const action = { type: 'error', error: name, numbers: [number] };
    await stage.fault({ endpoint: 'token', grant_type: DEVICE_CODE, action });
    const error = await fails(login(), code);
    assert.equal(command(error), byFlow('pkce'), String(number));
    assert.deepEqual(error.server.errorCodes, [number]);
    assert.equal(error.server.correlationId.length, 36);
  }
  // Before there is a code, too.
  await stage.fault({ endpoint: 'device', action: { type: 'error', error: 'invalid_grant', numbers: [53003] } });
  assert.equal(command(await fails(login(), 'login_required')), byFlow('pkce'));

  // The other way round: what the browser met, a device code can do without.
  for (const number of [50011, 500113]) {
    await stage.atRedemption({ type: 'error', error: 'invalid_request', numbers: [number] });
    const error = await fails(stage.login({ connection: 'work' }), 'provider_rejected');
    assert.match(error.help, /http:\/\/localhost\/callback/);
    assert.equal(command(error), byFlow('device-code'), String(number));
  }
  // What the browser met and a device code would meet as well is tried again as it was.
  await stage.atRedemption({ type: 'error', error: 'access_denied', numbers: [53003] });
  assert.equal(command(await fails(stage.login({ connection: 'work' }), 'access_denied')), byFlow('pkce'));

  // Nobody but the person said no: there is no way to get by.
  const showDeviceAuthorization = (device) => person.enterUserCode(device, '--deny');
  const error = await fails(login({ showDeviceAuthorization }), 'access_denied');
  assert.doesNotMatch(error.help, /--flow pkce/);
});
