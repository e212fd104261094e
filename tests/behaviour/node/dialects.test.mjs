// Providers that differ from customer to customer, and from the standards.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AccessToken } from 'tokenkeep';
import { Stage, fails, person } from './stage.mjs';

/** Keeps this file as that of `acme`. */
function addFile(stage, definition) {
  return stage.broker().addProvider(stage.home.write('dialect.toml', definition));
}

/** The file of `acme` with these sections beside the usual ones. */
function addSections(stage, more) {
  return addFile(stage, stage.definition.replace('[client]', `${more}\n[client]`));
}

test('values_fill_the_endpoints_of_a_provider', async (t) => {
  const stage = await Stage.acme(t);
  const { origin } = stage.server;
  const sections =
    '[values.customer]\ndescription = "what stands before .acme.example"\n' +
    '[api]\nhosts = ["{customer}.acme.example"]\n[client]';
  const own = stage.definition.replaceAll(`"${origin}`, `"${origin}/c/{customer}`).replace('[client]', sections);
  const [value] = (await addFile(stage, own)).values;
  assert.deepEqual([value.name, value.default, value.learnt], ['customer', null, false]);

  // Nobody is asked anything before the value is known, and of its form.
  const missing = await fails(stage.login(), 'config_invalid');
  assert.equal(missing.message, 'Acme needs the value customer: what stands before .acme.example');
  assert.ok(missing.help.includes('tokenkeep login acme --value customer=VALUE'), missing.help);
  for (const customer of ['a.b', 'a/b', 'a@evil.example', 'a#', 'a?b', 'a:1', '', '..', '-a']) {
    const error = await fails(stage.login({ values: { customer } }), 'config_invalid');
    assert.ok(error.message.includes('the value customer of Acme must be one label'), `${customer}: ${error.message}`);
  }
  const unknown = await fails(stage.login({ values: { shop: 'one' } }), 'config_invalid');
  assert.ok(unknown.message.includes('"shop"; it has customer'), unknown.message);
  assert.deepEqual(await stage.entries(), [], 'nothing was asked of anybody');

  const connection = await stage.login({ values: { customer: 'One' } });
  assert.deepEqual((await stage.entries()).map(({ path }) => path), ['/c/one/authorize', '/c/one/token']);
  assert.deepEqual([connection.values, connection.apiHosts], [{ customer: 'one' }, ['one.acme.example']]);
  const hosts = await stage.broker().allowedHosts('acme');
  assert.ok(hosts.allow(new URL('https://one.acme.example')) && !hosts.allow(new URL('https://two.acme.example')));

  // It is remembered; another one is another customer, beside the first.
  assert.deepEqual((await stage.login()).values, connection.values);
  await stage.login({ connection: 'two', values: { customer: 'two' } });
  // What a record says is enough: the file is of no more concern.
  assert.equal(await stage.broker().removeProvider('acme'), true);
  await stage.token({ forceRefresh: true });
  await stage.token({ forceRefresh: true, connection: 'two' });
  await stage.logout();
  const paths = (await stage.entries()).map(({ path }) => path).filter((path) => !path.endsWith('/authorize'));
  const redeemed = ['/c/one/token', '/c/one/token', '/c/two/token'];
  assert.deepEqual(paths, [...redeemed, '/c/one/token', '/c/two/token', '/c/one/revoke']);
});

test('values_are_learnt_from_the_server', async (t) => {
  const stage = await Stage.acme(t);
  await addSections(
    stage,
    '[values.instance_url]\nform = "https_url"\nfrom = "token_response"\nallowed = ["*.acme.example"]\n' +
      '[values.company]\nform = "text"\nfrom = "authorization_response"\nmember = "companyId"\n' +
      '[api]\nhosts = ["{instance_url}"]',
  );
  const says = (address) => stage.change({ token_response: { members: { instance_url: address } } });
  await says('https://One.acme.example/');
  const login = await stage.beginLogin();
  const answer = await person.redirected(login.url);
  answer.searchParams.set('companyId', '9341453');
  await person.get(answer);
  const kept = await login.ended;
  // By the names of the file, whatever this language would call them.
  assert.deepEqual(kept.values, { company: '9341453', instance_url: 'https://one.acme.example' });
  assert.deepEqual(kept.apiHosts, ['one.acme.example']);

  // A server that is not itself, or a proxy, sends no token elsewhere: nothing is kept of such an answer.
  const records = stage.records();
  for (const address of [
    'https://one.acme.example.evil.example',
    'https://evil.example/.acme.example',
    'https://evil.example#one.acme.example',
    'https://one.acme.example@evil.example',
    'http://one.acme.example',
    'javascript:alert(1)',
  ]) {
    await says(address);
    const error = await fails(stage.login(), 'provider_rejected');
    assert.match(error.message, /^the server's instance_url must be/);
    assert.doesNotMatch(error.message, /evil/);
    assert.deepEqual(stage.records(), records, 'the earlier login stays');
  }
  assert.deepEqual(await stage.connection(), kept);
  // What is learnt is nobody's to say.
  const own = { values: { instance_url: 'https://one.acme.example' } };
  const error = await fails(stage.login(own), 'config_invalid');
  assert.match(error.message, /is learnt from the server/);
  assert.equal(await stage.resource(await stage.accessToken({ forceRefresh: true })), 200);
});

test('a_token_goes_in_the_header_of_its_api', async (t) => {
  for (const [header, scheme, sent] of [
    ['X-Acme-Token', '', ''],
    ['Authorization', 'Acme-oauthtoken', 'Acme-oauthtoken '],
  ]) {
    const stage = await Stage.acme(t);
    await addSections(stage, `[api]\nhosts = ["127.0.0.1"]\nheader = "${header}"\nscheme = "${scheme}"`);
    await stage.change({ api: { header: header.toLowerCase(), scheme } });
    await stage.login();
    const api = `${stage.server.origin}/api`;
    const isTaken = async (token) => {
      assert.ok(token instanceof AccessToken);
      assert.deepEqual([token.headerName, token.authorizationHeader()], [header, sent + token.secret]);
      assert.equal((await person.get(api, { [token.headerName]: token.authorizationHeader() })).status, 200, header);
      assert.equal((await person.get(api, { authorization: `Bearer ${token.secret}` })).status, 401, header);
      // A client that would make a bearer token of it does not get it.
      await fails(() => token.bearer(), 'unsupported');
    };
    await isTaken(await stage.token());
    // The record says how, whatever becomes of the file.
    await stage.broker().removeProvider('acme');
    await isTaken(await stage.token({ forceRefresh: true }));
    await isTaken(stage.broker().cachedToken('acme'));
  }
});
