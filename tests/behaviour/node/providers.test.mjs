// Providers are data, and the user's own files win.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { root } from '../../support/node/index.mjs';
import { Stage, fails } from './stage.mjs';

/** The files that the package brings, and the names of their providers. */
const FILES = join(root, 'core/providers');
const BUNDLED = readdirSync(FILES).filter((file) => file.endsWith('.toml')).map((file) => file.slice(0, -5)).sort();

test('provider_file_wins_over_bundled', async (t) => {
  const stage = await Stage.microsoft(t);
  const broker = stage.broker();
  const microsoft = async () => {
    const { providers, damaged } = await broker.providers();
    const names = providers.map((provider) => provider.name);
    assert.deepEqual(names, BUNDLED, 'each name stands once');
    assert.deepEqual(damaged, []);
    const provider = await broker.provider('microsoft');
    assert.deepEqual(providers[names.indexOf('microsoft')], provider);
    return provider;
  };
  const own = await microsoft();
  assert.deepEqual([own.origin, own.displayName], ['user', 'Microsoft']);
  assert.ok(own.definition.includes(stage.server.origin));
  assert.equal(readFileSync(own.file, 'utf8'), own.definition);
  await stage.login();
  assert.equal((await stage.asked('authorization_code')).length, 1);

  // Without the file the bundled one is used again; a grant still goes back to where it came from.
  assert.equal(await broker.removeProvider('microsoft'), true);
  const bundled = await microsoft();
  assert.deepEqual([bundled.origin, bundled.file], ['bundled', null]);
  assert.equal(bundled.definition.trim(), readFileSync(join(FILES, 'microsoft.toml'), 'utf8').trim());
  assert.equal(await stage.resource(await stage.accessToken({ forceRefresh: true })), 200);
  assert.equal((await stage.refreshes()).length, 1);
  assert.equal(await broker.removeProvider('microsoft'), false);
  await fails(broker.provider('nobody'), 'unknown_provider');
  // Who adds a file is shown where secrets will go.
  const added = await broker.addProvider(join(stage.home.path, 'provider.toml'));
  const urls = added.endpoints.map((endpoint) => endpoint.url);
  assert.ok(urls.length > 0 && urls.some((url) => url.startsWith(stage.server.origin)), String(urls));
  assert.ok(Object.isFrozen(added) && Object.isFrozen(added.endpoints));
});

test('bundled_providers_are_listed', async (t) => {
  const broker = (await Stage.oidc(t)).broker();
  const { providers, damaged } = await broker.providers();
  assert.deepEqual([providers.map(({ name }) => name), damaged], [BUNDLED, []]);
  assert.ok(providers.length >= 64, `${providers.length}`);
  for (const { name, origin, confidence, documentation, apiHosts, definition } of providers) {
    assert.equal(origin, 'bundled', name);
    assert.ok(['high', 'medium', 'low'].includes(confidence), name);
    assert.equal(new URL(documentation).protocol, 'https:', name);
    assert.ok(Object.isFrozen(apiHosts) && apiHosts.every((host) => typeof host === 'string'), name);
    assert.equal(definition.trim(), readFileSync(join(FILES, `${name}.toml`), 'utf8').trim(), name);
  }
  const of = (name) => providers[BUNDLED.indexOf(name)];
  assert.deepEqual(of('linear').apiHosts, ['api.linear.app']);
  const description = 'the server: gitlab.com, gitlab.example.com';
  const host = { name: 'host', description, default: 'gitlab.com', learnt: false };
  assert.deepEqual(of('gitlab').values.map((value) => ({ ...value })), [host]);
  assert.equal(of('wrike').values[0].learnt, true);
  assert.deepEqual(await broker.provider('gitlab'), of('gitlab'));
  // A slip of the fingers is answered with what was meant, and not with all of them.
  const error = await fails(broker.provider('githb'), 'unknown_provider');
  assert.match(error.message, /did you mean github\?/);
  assert.doesNotMatch(error.message, /microsoft/);
  assert.match(error.help, /`tokenkeep providers`/);
});

test('broken_provider_file_names_the_line', async (t) => {
  const stage = await Stage.acme(t);
  const broker = stage.broker();
  await stage.login();
  const good = stage.definition;
  const line = 1 + good.split('\n').findIndex((text) => text.startsWith('token = '));
  const kept = join(stage.home.store, 'providers/acme.toml');
  const last = good.split('\n').length - 1;
  const login = 'http://login.example/';
  const cases = [
    [good.replace('token = "', 'token = "ftp://'), line, 'endpoints.token: expected an https URL, found "ftp://'],
    [good.replace('token = "', 'token = http://'), line, ''],
    [good.replace('token = ', 'tokem = '), line, 'endpoints.tokem: expected one of authorization, token,'],
    [
      good.replace('token = "http', `token = "${login}" # "http`),
      line,
      `endpoints.token: expected an https URL, found "${login}"`,
    ],
    [good.replace('token = "', 'token = "{customer}'), line, 'endpoints.token: expected'],
    [good.replace('token = "', 'token = 1 # "'), line, 'endpoints.token: expected a text, found integer 1'],
    [`${good}[token]\nbody = "yaml"\n`, last + 2, 'token.body: expected form or json, found yaml'],
    [
      `${good}[authorization]\ncode_challenge = "none"\n`,
      last + 2,
      'authorization.code_challenge: is none, and [client] secret_required is not true',
    ],
    [`${good}always = []\n`, last + 1, 'expected each name once, found always twice'],
    [good.replace('display_name = "Acme"\n', ''), 1, 'display_name: is missing'],
    [good.replace('schema = 1', 'schema = 2'), 1, 'schema: expected schema = 1, found 2'],
    ['\0', 1, ''],
    ['', 1, 'schema: is missing'],
  ];
  for (const [broken, line, said] of cases) {
    const place = (name) => `${name}:${line}: ${said}`;
    const error = await fails(broker.addProvider(stage.home.write('broken.toml', broken)), 'config_invalid');
    assert.ok(error.message.includes(place('broken.toml')), `${broken}\n${error.message}`);
    assert.equal(readFileSync(kept, 'utf8'), good, 'a broken file replaces nothing');

    // One that was broken by hand harms nobody else.
    writeFileSync(kept, broken);
    const refused = await fails(stage.login(), 'config_invalid');
    assert.ok(refused.message.includes(place('acme.toml')), refused.message);
    const { providers, damaged } = await broker.providers();
    assert.deepEqual(providers.map(({ name }) => name), BUNDLED);
    assert.equal(damaged.length, 1);
    await fails(Promise.reject(damaged[0]), 'config_invalid');
    assert.equal(await stage.resource(await stage.accessToken({ forceRefresh: true })), 200);
    writeFileSync(kept, good);
  }
  await fails(broker.addProvider('/nonexistent.toml'), 'config_invalid');
  await fails(broker.addProvider('/dev/zero'), 'config_invalid');
  assert.equal((await stage.login()).status, 'connected');
});
