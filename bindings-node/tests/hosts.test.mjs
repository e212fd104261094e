// Where a token may go is the core's to say; here is what of an address it is asked about.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AllowedHosts, TokenkeepError } from 'tokenkeep';

const hosts = new AllowedHosts(['graph.microsoft.com', '*.sharepoint.com', '127.0.0.1:8080', '[::1]:8080', 'münchen.example']);

for (const url of [
  'https://graph.microsoft.com/v1.0/me',
  'https://GRAPH.microsoft.com:443',
  'https://contoso.sharepoint.com',
  'http://127.0.0.1:8080',
  'http://2130706433:8080',
  'http://[::1]:8080',
  'https://münchen.example',
]) {
  test(`a token may be sent to ${url}`, () => {
    assert.equal(hosts.allow(new URL(url)), true);
    hosts.require(new URL(url));
  });
}

for (const url of [
  'http://graph.microsoft.com',
  'https://graph.microsoft.com:8443',
  'https://graph.microsoft.com@attacker.example',
  'https://attacker.example\\@graph.microsoft.com',
  'https://sharepoint.com',
  'http://127.0.0.1',
  'http://127.0.0.1:8081',
  'file:///graph.microsoft.com',
]) {
  test(`a token may not be sent to ${url}`, () => {
    assert.equal(hosts.allow(new URL(url)), false);
    const isRefused = (error) => error instanceof TokenkeepError && error.code === 'config_invalid' && error.help !== '';
    assert.throws(() => hosts.require(new URL(url)), isRefused);
  });
}

test('what is no host is refused at once', () => {
  for (const bad of [[], '', ['*'], ['https://graph.microsoft.com']]) {
    assert.throws(() => new AllowedHosts(bad), { code: 'config_invalid' });
  }
});
