// Whose grant it is: tenants, guests, and who may take an account's place.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { Stage, fails } from './stage.mjs';

/** The work tenant of whoever signs in at `common`, and another. */
const HOME = '7f2c2d4e-5c3b-4a1f-9d0e-1b2a3c4d5e6f';
const OTHER = '11111111-2222-4333-8444-555555555555';
/** The tenant of personal accounts. */
const PERSONAL = '9188040d-6c67-4c5b-b112-36a304b66dad';

const ANNA = 'anna@contoso.example';

/** An answer whose id_token has these members. */
function saying(set) {
  return { type: 'mutate', id_token: { set } };
}

/** An answer about an account of `tenant`, in all that the id_token says of it. */
function ofTenant(stage, tenant) {
  return saying({ iss: `${stage.server.origin}/${tenant}/v2.0`, tid: tenant });
}

test('account_is_known_by_oid_and_tid', async (t) => {
  const stage = await Stage.microsoft(t);
  const { account } = await stage.login({ loginHint: ANNA });
  assert.deepEqual([account.tenantId, account.guest], [HOME, false]);
  assert.equal(account.homeAccountId, `${account.objectId}.${HOME}`);

  // She has another name and another mailbox now, and is who she was.
  await stage.atRedemption(saying({ preferred_username: 'anna@fabrikam.example', name: 'A', sub: 'another' }));
  const renamed = await stage.login({ addScopes: 'Mail.Read' });
  assert.equal(renamed.account.username, 'anna@fabrikam.example');
  assert.equal(renamed.account.objectId, account.objectId);
  // Somebody else has her name now, or the same id in another tenant.
  const kept = stage.records();
  for (const other of [saying({ oid: OTHER }), ofTenant(stage, OTHER)]) {
    await stage.atRedemption(other);
    await fails(stage.login({ addScopes: 'Mail.Send', loginHint: ANNA }), 'provider_rejected');
    assert.deepEqual(stage.records(), kept, inspect(other));
  }

  // A guest: the tenant that signs them in is not their home. They are another account there.
  const home = JSON.stringify({ uid: account.objectId, utid: HOME });
  const { id_token: { set: atOther } } = ofTenant(stage, OTHER);
  const guest = saying({ ...atOther, oid: PERSONAL.replaceAll('9', '8') });
  await stage.atRedemption({ ...guest, set: { client_info: Buffer.from(home).toString('base64url') } });
  const { account: visiting } = await stage.login({ connection: 'guest', tenant: OTHER });
  assert.deepEqual([visiting.guest, visiting.tenantId], [true, OTHER]);
  assert.equal(visiting.homeAccountId, `${account.objectId}.${HOME}`);
  assert.notEqual(visiting.objectId, account.objectId);
});

test('tenants_are_told_apart', async (t) => {
  const stage = await Stage.microsoft(t);
  // What each authority signs in, and what it does not, however well the answer fits together.
  for (const [tenant, good, bad] of [
    ['consumers', PERSONAL, HOME],
    ['organizations', HOME, PERSONAL],
    [OTHER, OTHER, HOME],
    [PERSONAL, PERSONAL, OTHER],
  ]) {
    const before = stage.records();
    await stage.atRedemption(ofTenant(stage, bad));
    const error = await fails(stage.login({ tenant }), 'provider_rejected');
    assert.ok(error.message.includes('tenant') && error.help.includes('--tenant'), inspect(error));
    assert.deepEqual(stage.records(), before, tenant);
    const { account } = await stage.login({ tenant, connection: tenant });
    assert.equal(account.tenantId, good);
  }
  // `common` is for all of them.
  await stage.atRedemption(ofTenant(stage, PERSONAL));
  assert.equal((await stage.login({ tenant: 'common' })).account.tenantId, PERSONAL);

  // Two organizations by their domains, whose GUIDs their metadata tells: neither answers for the other.
  const domains = ['contoso.example', 'fabrikam.example'];
  const tenants = [];
  for (const domain of domains) {
    tenants.push((await stage.login({ tenant: domain, connection: domain })).account.tenantId);
  }
  assert.notEqual(tenants[0], tenants[1]);
  for (const [n, connection] of domains.entries()) {
    const swapped = ofTenant(stage, tenants[1 - n]);
    const kept = stage.records();
    await stage.atRedemption(swapped);
    await fails(stage.login({ tenant: connection, connection }), 'provider_rejected');
    assert.deepEqual(stage.records(), kept);
    // Nor in a refresh.
    const token = await stage.accessToken({ connection });
    await stage.atRefresh(swapped);
    await fails(stage.token({ connection, forceRefresh: true }), 'provider_rejected');
    assert.equal(await stage.accessToken({ connection }), token);
  }

  // A domain that is nobody's is said before anybody is asked; metadata of a stranger is not believed.
  const before = await stage.entries('authorize');
  const metadata = async (code, status, body) => {
    await stage.fault({ endpoint: 'metadata', action: { type: 'reply', status, body: JSON.stringify(body) } });
    return fails(stage.login({ tenant: 'nobody.example', connection: 'new' }), code);
  };
  const unknown = { error: 'invalid_tenant', error_description: 'AADSTS90002: Tenant not found.' };
  const { message } = await metadata('config_invalid', 400, unknown);
  assert.match(message, /nobody\.example/);
  await metadata('provider_rejected', 200, { issuer: `https://evil.example/${OTHER}/v2.0` });
  await metadata('network', 503, {});
  assert.deepEqual(await stage.entries('authorize'), before);
});
