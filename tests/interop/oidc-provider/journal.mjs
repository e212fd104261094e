// What the authorization server did, as counts: no token, code or account name is ever kept.
//
// A test of rotation reads two numbers here: how many refreshes succeeded, and how often a
// refresh token came back after its use.

// The library's own words for a used refresh token: its error code is the same `invalid_grant`
// as for every other refusal.
const REUSED = 'refresh token already used';

export class Journal {
  #counts = empty();

  /** Counts everything that `provider` does from now on. */
  watch(provider) {
    provider.on('grant.success', (ctx) => {
      increment(this.#counts.grant_success, grantType(ctx));
    });
    provider.on('grant.error', (ctx, error) => {
      this.#counts.grant_error[grantType(ctx)] ??= {};
      increment(this.#counts.grant_error[grantType(ctx)], error.error);
      if (error.error_detail === REUSED) this.#counts.refresh_token_reuse += 1;
    });
    provider.on('grant.revoked', () => {
      this.#counts.grant_revoked += 1;
    });
    for (const change of ['create', 'update', 'delete']) {
      provider.on(`registration_${change}.success`, () => increment(this.#counts.registration, change));
    }
    provider.use(async (ctx, next) => {
      await next();
      const route = ctx.oidc?.route;
      increment(this.#counts.requests, route ?? 'other');
      if (route === 'revocation' && ctx.status === 200) {
        increment(this.#counts.revocation, revoked(ctx.oidc.entities));
      }
    });
  }

  /** Counts a fault that was played in front of the library. */
  fault(kind) {
    increment(this.#counts.faults, kind);
  }

  reset() {
    this.#counts = empty();
  }

  toJSON() {
    return this.#counts;
  }
}

function empty() {
  return {
    requests: {},
    grant_success: {},
    grant_error: {},
    grant_revoked: 0,
    refresh_token_reuse: 0,
    registration: {},
    revocation: {},
    faults: {},
  };
}

function increment(counts, key) {
  counts[key] = (counts[key] ?? 0) + 1;
}

function grantType(ctx) {
  return ctx.oidc.params?.grant_type ?? 'none';
}

// RFC 7009 section 2.2: a token that the server does not know is a success, too.
function revoked(entities) {
  if (entities.RefreshToken) return 'refresh_token';
  if (entities.AccessToken) return 'access_token';
  return 'unknown';
}
