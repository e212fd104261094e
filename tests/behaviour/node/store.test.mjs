// The store: damage, keys, and places that are no place for it.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync, renameSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { Elsewhere, Stage, fails } from './stage.mjs';

// No keychain answers in this process, whatever the machine has.
process.env.DBUS_SESSION_BUS_ADDRESS = 'unix:path=/nonexistent/bus';

/** All files of the stage's store, by path and content. */
function files(stage) {
  const { store } = stage.home;
  const paths = readdirSync(store, { recursive: true }).map((name) => join(store, name));
  return paths.filter((path) => statSync(path).isFile()).sort().map((path) => [path, readFileSync(path)]);
}

/** Logs in through `broker`, to the end. */
function login(stage, broker) {
  return broker.login(stage.provider, stage.loginOptions({ interaction: stage.person }));
}

test('damaged_record_is_reported_and_others_go_on', async (t) => {
  const stage = await Stage.acme(t);
  const [good, bad] = [{ connection: 'good' }, { connection: 'bad' }];
  await stage.login(good);
  const [[other, foreign]] = stage.records();
  await stage.login(bad);
  const [name, content] = stage.records().find(([name]) => name !== other);
  const path = join(stage.home.store, 'records', name);
  const sealed = Buffer.from(content, 'base64');

  const flipped = Buffer.from(sealed);
  flipped[flipped.length - 1] ^= 1;
  const half = sealed.subarray(0, sealed.length / 2);
  for (const damage of [half, Buffer.of(), flipped, Buffer.from(foreign, 'base64')]) {
    writeFileSync(path, damage);
    const broker = stage.broker();
    const calls = ['token', 'connection', 'cachedToken'].map((verb) => () => broker[verb]('acme', bad));
    for (const call of calls) assert.ok((await fails(call, 'store_corrupt')).message.includes(path));
    assert.deepEqual(readFileSync(path), damage, 'reading alters nothing');
    await stage.accessToken({ ...good, forceRefresh: true });
  }
  const broker = stage.broker();
  const { connections, damaged } = await broker.connections();
  assert.deepEqual(connections.map((one) => one.connection), ['good']);
  assert.equal(damaged.length, 1);
  assert.ok((await fails(Promise.reject(damaged[0]), 'store_corrupt')).message.includes(path));
  assert.deepEqual((await broker.inspect()).keptAside, []);

  // A login replaces the connection; what was damaged is kept aside as it is.
  const last = readFileSync(path);
  await stage.login(bad);
  const { keptAside } = await broker.inspect();
  assert.equal(keptAside.length, 1);
  assert.deepEqual(readFileSync(keptAside[0]), last);
  assert.equal(await stage.resource(await stage.accessToken(bad)), 200);
  const listed = await broker.connections();
  assert.deepEqual([listed.connections.length, listed.damaged], [2, []]);

  // So does a logout.
  writeFileSync(path, 'damaged again');
  await stage.logout(bad);
  assert.equal((await broker.inspect()).keptAside.length, 2);
  await fails(stage.token(bad), 'not_connected');
});

test('headless_without_a_key_choice', async (t) => {
  const stage = await Stage.acme(t);
  stage.reopen({ keySource: undefined });
  const undecided = stage.broker({ keySource: undefined });
  const before = files(stage);
  const begun = performance.now();
  for (const call of [() => stage.login(), () => undecided.initialize()]) {
    const { help } = await fails(call, 'store_locked');
    for (const choice of ['`tokenkeep init --key file`', '`tokenkeep init --key passphrase`', 'TOKENKEEP_KEY']) {
      assert.ok(help.includes(choice), `${choice}: ${help}`);
    }
  }
  assert.ok(performance.now() - begun < 10_000);
  const { key, id, keychainError } = await undecided.inspect();
  assert.deepEqual([key, id], ['no_vault', null]);
  await fails(Promise.reject(keychainError), 'store_locked');
  assert.deepEqual(await stage.entries(), [], 'nobody logs in for nothing');
  assert.deepEqual(files(stage), before, 'nothing is made until somebody chose');

  // What the hint says, as a program says it.
  const made = await stage.broker({ keySource: 'file' }).initialize();
  assert.deepEqual([made.keySource, made.key], ['file', 'found']);
  await stage.login();
  assert.equal(await stage.resource(await stage.accessToken()), 200);
});

test('passphrase_store', async (t) => {
  const stage = await Stage.acme(t);
  const passphrase = 'correct horse; "battery" staple';
  const withPassphrase = (passphrase) => stage.broker({ keySource: 'passphrase', passphrase });
  await fails(login(stage, withPassphrase(undefined)), 'store_locked');
  const right = withPassphrase(passphrase);
  await login(stage, right);
  const { secret } = await right.token('acme');
  assert.equal(await stage.resource(secret), 200);
  assert.ok(!inspect(right, { depth: null, showHidden: true }).includes('correct'));
  for (const [path, content] of files(stage)) assert.ok(!content.includes('correct'), path);

  const before = stage.records();
  const begun = performance.now();
  const wrong = await fails(withPassphrase('another one').token('acme'), 'store_locked');
  assert.ok(performance.now() - begun >= 100, 'a guess has its price');
  assert.match(wrong.message, /wrong/);
  const none = await fails(withPassphrase(undefined).token('acme'), 'store_locked');
  assert.match(none.help, /TOKENKEEP_PASSPHRASE/);
  // The choice was made once: another one is not fallen back to.
  await fails(stage.broker({ keySource: 'file', passphrase }).token('acme'), 'config_invalid');
  assert.deepEqual(stage.records(), before);

  // What the help names is read.
  const environment = { TOKENKEEP_KEY: undefined, TOKENKEEP_PASSPHRASE: passphrase };
  const elsewhere = await Elsewhere.start(t, stage, { environment });
  assert.equal(await elsewhere.accessToken('acme'), secret);
});

test('read_only_or_odd_home', async (t) => {
  const stage = await Stage.acme(t);
  // Places where nobody, not even root, can make a folder; and none at all.
  const file = stage.home.write('a file', 'mine');
  for (const [home, token] of [
    [file, 'store_unavailable'],
    [join(file, 'below'), 'store_unavailable'],
    // Nothing is there, and so no connection.
    ['/sys/kernel/tokenkeep', 'not_connected'],
    ['/proc/tokenkeep', 'not_connected'],
  ]) {
    const broker = stage.broker({ home });
    assert.equal(broker.home, home);
    assert.ok((await fails(broker.initialize(), 'store_unavailable')).message.includes(home));
    await fails(broker.token('microsoft'), token);
    // Nobody is asked for a grant that cannot be kept.
    const openUrl = () => assert.fail('the person was asked');
    const options = { issuer: stage.server.issuer, clientId: 'public', interaction: { openUrl } };
    await fails(broker.login('oidc', options), 'store_unavailable');
  }
  assert.equal(readFileSync(file, 'utf8'), 'mine');
  const homeless = { HOME: undefined, TOKENKEEP_HOME: undefined };
  const nowhere = await Elsewhere.start(t, stage, { environment: homeless });
  await assert.rejects(nowhere.accessToken('acme'), { code: 'config_invalid' });

  // An odd name is as good as any.
  const odd = join(stage.home.path, 'it\'s a "home" & größer, 家');
  const broker = stage.broker({ home: odd });
  await broker.initialize();
  const registered = await broker.setRegistration('microsoft', { clientId: 'x' });
  assert.deepEqual(await stage.broker({ home: odd }).registration('microsoft'), registered);
  assert.ok(broker.home === odd && statSync(odd).isDirectory());

  // A record that is a link to somebody else's file is not followed.
  await stage.login();
  const before = stage.records();
  const record = join(stage.home.store, 'records', before[0][0]);
  const elsewhere = join(stage.home.path, 'elsewhere');
  renameSync(record, elsewhere);
  symlinkSync(elsewhere, record);
  await fails(stage.token(), 'store_unavailable');
  assert.equal(readFileSync(elsewhere, 'base64'), before[0][1]);
  unlinkSync(record);
  renameSync(elsewhere, record);

  // A disk that takes not one more byte, for root as for everybody: nothing leaves that could not be written down, and
  // what is at hand is handed out.
  const full = await Elsewhere.start(t, stage, { through: ['sh', '-c', 'ulimit -f 0; exec "$0" "$@"'] });
  await assert.rejects(full.accessToken('acme', { forceRefresh: true }), { code: 'store_unavailable' });
  assert.deepEqual(await stage.refreshes(), []);
  assert.equal(await stage.resource(await full.accessToken('acme')), 200);
  assert.deepEqual(stage.records(), before);
  await stage.accessToken({ forceRefresh: true });
});
