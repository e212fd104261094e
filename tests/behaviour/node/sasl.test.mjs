// The token as mail servers are told it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Stage, fails } from './stage.mjs';

/** What stands in an initial response. */
const decoded = (response) => Buffer.from(response, 'base64').toString();

test('sasl_strings_for_mail_servers', async (t) => {
  const stage = await Stage.microsoft(t);
  const { account } = await stage.login({ scopes: ['outlook-imap', 'outlook-smtp'] });
  const token = await stage.token();
  const xoauth2 = (user) => `user=${user}\u0001auth=Bearer ${token.secret}\u0001\u0001`;
  // A shared mailbox, and that of the account.
  for (const user of ['team@example.com', account.username]) {
    assert.equal(decoded(token.sasl('xoauth2', user)), xoauth2(user));
  }
  const oauthbearer = decoded(token.sasl('oauthbearer', 'a=b,c@example.com'));
  assert.equal(oauthbearer, `n,a=a=3Db=2Cc@example.com,\u0001auth=Bearer ${token.secret}\u0001\u0001`);
  for (const mechanism of ['xoauth2', 'oauthbearer']) {
    // One line, as IMAP, POP and SMTP take it.
    assert.match(token.sasl(mechanism, 'me@example.com'), /^[A-Za-z0-9+/]+=*$/);
    for (const user of ['', 'me\u0001auth=Bearer x', 'me\r\nLOGOUT']) {
      await fails(() => token.sasl(mechanism, user), 'config_invalid');
    }
  }
  const { help } = await fails(() => token.sasl('plain', 'me@example.com'), 'config_invalid');
  assert.match(help, /xoauth2.*oauthbearer/);
});
