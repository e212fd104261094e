// Providers are data, and the user's own files win.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { root } from '../../support/node/index.mjs';
import { Stage, fails } from './stage.mjs';

test('provider_file_wins_over_bundled', async (t) => {
  const stage = await Stage.microsoft(t);
  const broker = stage.broker();
  const microsoft = async () => {
    const { providers, damaged } = await broker.providers();
    const names = providers.map((provider) => provider.name);
    assert.deepEqual(names, ['github', 'google', 'microsoft', 'oidc'], 'each name stands once');
    assert.deepEqual(damaged, []);
    assert.deepEqual(await broker.provider('microsoft'), providers[2]);
    return providers[2];
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
  assert.equal(bundled.definition.trim(), readFileSync(join(root, 'core/providers/microsoft.toml'), 'utf8').trim());
  assert.equal(await stage.resource(await stage.accessToken({ forceRefresh: true })), 200);
  assert.equal(await broker.removeProvider('microsoft'), false);
  await fails(broker.provider('nobody'), 'unknown_provider');
  // Who adds a file is shown where secrets will go.
  const added = await broker.addProvider(join(stage.home.path, 'provider.toml'));
  const urls = added.endpoints.map((endpoint) => endpoint.url);
  assert.ok(urls.length > 0 && urls.some((url) => url.startsWith(stage.server.origin)), String(urls));
  assert.ok(Object.isFrozen(added) && Object.isFrozen(added.endpoints));
});

test('broken_provider_file_names_the_line', async (t) => {
  const stage = await Stage.acme(t);
  const broker = stage.broker();
  await stage.login();
  const good = stage.definition;
  const line = 1 + good.split('\n').findIndex((text) => text.startsWith('token = '));
  const kept = join(stage.home.store, 'providers/acme.toml');
  const cases = [
    [good.replace('token = "', 'token = "ftp://'), line],
    [good.replace('token = "', 'token = http://'), line],
    [good.replace('token = ', 'tokem = '), line],
    [good.replace('schema = 1', 'schema = 2'), 1],
    ['', null],
  ];
  for (const [broken, line] of cases) {
    const place = (name) => (line === null ? name : `${name}:${line}`);
    const error = await fails(broker.addProvider(stage.home.write('broken.toml', broken)), 'config_invalid');
    assert.ok(error.message.includes(place('broken.toml')), `${broken}\n${error.message}`);
    assert.equal(readFileSync(kept, 'utf8'), good, 'a broken file replaces nothing');

    // One that was broken by hand harms nobody else.
    writeFileSync(kept, broken);
    const refused = await fails(stage.login(), 'config_invalid');
    assert.ok(refused.message.includes(place('acme.toml')), refused.message);
    const { providers, damaged } = await broker.providers();
    const names = providers.map((provider) => provider.name);
    assert.deepEqual(names, ['github', 'google', 'microsoft', 'oidc']);
    assert.equal(damaged.length, 1);
    await fails(Promise.reject(damaged[0]), 'config_invalid');
    assert.equal(await stage.resource(await stage.accessToken({ forceRefresh: true })), 200);
    writeFileSync(kept, good);
  }
  await fails(broker.addProvider('/nonexistent.toml'), 'config_invalid');
  await fails(broker.addProvider('/dev/zero'), 'config_invalid');
  assert.equal((await stage.login()).status, 'connected');
});
