// What the authorization server allows: its clients, grants, scopes and lifetimes.
//
// The choices are the ones that break clients: rotation with reuse detection, a refresh token
// only for `offline_access` together with `prompt=consent`, any loopback port for native
// clients (RFC 8252 section 7.3), a client secret that must be form-encoded before base64
// (RFC 6749 section 2.3.1).

import { randomBytes } from 'node:crypto';

import { errors } from 'oidc-provider';

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const HOUR = 3600;
const DAY = 24 * HOUR;

// Fields that every client of this server shares. `native` is what makes the port of a loopback
// redirect URI free.
const NATIVE_APP = {
  application_type: 'native',
  grant_types: ['authorization_code', 'refresh_token', DEVICE_CODE],
  redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback', 'http://localhost/callback'],
};
const PUBLIC = { ...NATIVE_APP, token_endpoint_auth_method: 'none' };

const CLIENTS = [
  { ...PUBLIC, client_id: 'native', client_name: 'Native app' },
  { ...PUBLIC, client_id: 'native-dpop', dpop_bound_access_tokens: true },
  { ...PUBLIC, client_id: 'native-par', require_pushed_authorization_requests: true },
  {
    ...NATIVE_APP,
    client_id: 'confidential-basic',
    client_secret: 's3cret:with%special+chars &=',
    token_endpoint_auth_method: 'client_secret_basic',
  },
  {
    ...NATIVE_APP,
    client_id: 'confidential-post',
    client_secret: 'confidential-post-secret',
    token_endpoint_auth_method: 'client_secret_post',
  },
];

// The resource servers of this authorization server (RFC 8707): any path below this URL.
// Every other `resource` gets `invalid_target`.
const RESOURCES = 'https://api.example/';

/** The library's configuration. `accessTokenTtl` is in seconds. */
export function configuration({ accessTokenTtl, dpopNonce, pushedRequests }) {
  return {
    clients: CLIENTS,
    scopes: ['openid', 'offline_access', 'read', 'write'],
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
    // Puts the claims of `profile` and `email` into the ID token, as large providers do.
    conformIdTokenClaims: false,
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => claimsOf(sub) }),
    pkce: { required: () => true },
    rotateRefreshToken: true,
    ttl: {
      AccessToken: () => accessTokenTtl,
      ClientCredentials: () => accessTokenTtl,
      DeviceCode: () => 10 * 60,
      Grant: () => 14 * DAY,
      IdToken: () => HOUR,
      Interaction: () => HOUR,
      RefreshToken: () => 14 * DAY,
      Session: () => 14 * DAY,
    },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    // Without the library's own dispatcher, which refuses addresses of this machine: the documents are here.
    fetch: (url, { dispatcher: _refusesLoopback, ...request }) => fetch(url, request),
    features: {
      clientIdMetadataDocument: { enabled: true, ack: 'draft-02' },
      devInteractions: { enabled: true },
      deviceFlow: { enabled: true },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => dpopNonce },
      introspection: { enabled: true },
      pushedAuthorizationRequests: { enabled: pushedRequests },
      registration: { enabled: true },
      registrationManagement: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(_ctx, resource) {
          if (!resource.startsWith(RESOURCES)) throw new errors.InvalidTarget();
          return { scope: 'read write', accessTokenFormat: 'jwt', accessTokenTTL: accessTokenTtl };
        },
      },
      revocation: { enabled: true },
    },
  };
}

function claimsOf(sub) {
  return {
    sub,
    name: `${sub} of Example`,
    preferred_username: sub,
    email: `${sub}@example.org`,
    email_verified: true,
  };
}
