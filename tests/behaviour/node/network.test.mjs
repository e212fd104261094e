// The network as the environment has it: a proxy, a certificate authority of the company's own, none at all.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Stage, fails } from './stage.mjs';

const LOGIN = 'login.microsoftonline.com';

test('proxies_and_certificates_of_the_environment', async (t) => {
  const stage = await Stage.internet(t);
  for (const name of Object.keys(process.env)) if (/_proxy$/i.test(name)) delete process.env[name];
  Object.assign(process.env, stage.network);
  await stage.login();
  const token = await stage.accessToken({ forceRefresh: true });
  // The person's page, the code, the refresh.
  assert.deepEqual(await stage.tunnels(), Array(3).fill(`${LOGIN}:443`));
  const entries = await stage.entries();
  assert.ok(entries.every((entry) => entry.host === LOGIN));
  assert.ok((await stage.connection()).issuer.startsWith(`https://${LOGIN}/`));

  // An authority that nobody vouches for: the request, with the refresh token in it, does not leave.
  delete process.env.SSL_CERT_FILE;
  const refused = await fails(stage.broker().token('microsoft', { forceRefresh: true }), 'network');
  assert.ok(refused.message.includes(LOGIN) && refused.help.includes('SSL_CERT_FILE'));
  assert.equal((await stage.entries()).length, entries.length);
  Object.assign(process.env, stage.network);

  // An address of this machine that does not look like one. The certificate is not for it, which only who asks
  // directly finds out.
  const issuer = `https://[::ffff:127.0.0.1]:${new URL(stage.server.origin).port}`;
  const before = (await stage.tunnels()).length;
  await fails(stage.broker().login('oidc', { issuer, clientId: 'c' }), 'network');
  assert.equal((await stage.tunnels()).length, before + 1);
  process.env.NO_PROXY = '::ffff:127.0.0.1';
  await fails(stage.broker().login('oidc', { issuer, clientId: 'c' }), 'network');
  assert.equal((await stage.tunnels()).length, before + 1);

  // The network is cut: what is at hand is as good as before.
  await stage.server.stop();
  assert.equal((await stage.broker().token('microsoft')).secret, token);
  await fails(stage.token({ forceRefresh: true }), 'network');
});
