//! Who allowed which client what, in Entra's way: scopes add up, for an account or for all of a tenant, and are asked
//! about resource by resource.

use std::collections::{BTreeSet, HashMap};

use crate::entra::{self, DEFAULT_SCOPE, is_sign_in};
use crate::grant::Grant;

/// Whose word it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Whose {
    /// A person's own, by username.
    Account(String),
    /// An administrator's, for everybody of the tenant with this id.
    Tenant(String),
}

/// All consents, by client.
#[derive(Debug, Default)]
pub(crate) struct Consents(HashMap<(String, Whose), BTreeSet<String>>);

impl Consents {
    /// Adds to what was allowed before.
    pub(crate) fn allow(&mut self, client_id: &str, whose: Whose, scope: &[String]) {
        let full = scope.iter().map(|scope| entra::full_scope(scope));
        self.0.entry((client_id.into(), whose)).or_default().extend(full);
    }

    /// Takes every word back.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// All that a grant's client may do for its account at the authority that is asked.
    pub(crate) fn given(&self, grant: &Grant, tenant: &str) -> Given {
        let tenant_id = entra::signed_in_at(tenant, &grant.home);
        let whose = [Whose::Account(grant.username.clone()), Whose::Tenant(tenant_id)];
        let given = whose.into_iter().filter_map(|whose| self.0.get(&(grant.client_id.clone(), whose)));
        Given(given.flatten().cloned().collect())
    }
}

/// What a client may do for one account.
#[derive(Debug)]
pub(crate) struct Given(BTreeSet<String>);

impl Given {
    /// Is every one of these scopes allowed? `.default` is whatever is allowed of its resource; one that was consented
    /// to stands for every scope of the resource, as if the app had registered them all.
    pub(crate) fn covers(&self, scope: &[String]) -> bool {
        scope.iter().filter(|scope| !is_sign_in(scope)).all(|scope| {
            let full = entra::full_scope(scope);
            let Some(resource) = entra::resource(&full) else { return false };
            let all = format!("{resource}{DEFAULT_SCOPE}");
            self.0.contains(&full)
                || self.0.contains(&all)
                || (full == all && self.0.iter().any(|given| entra::resource(given) == Some(resource)))
        })
    }

    /// The response's `scope`: what was asked for, then what else is allowed of its resource, by short names if the
    /// request used them, then what is allowed of the sign-in.
    pub(crate) fn listed(&self, asked: &[String]) -> Vec<String> {
        let mut listed = entra::echoed(asked);
        let first = asked.iter().find(|scope| !is_sign_in(scope));
        let resource = first.and_then(|scope| entra::resource(scope));
        let short = first.is_some_and(|scope| !scope.contains('/'));
        let told: BTreeSet<String> = listed.iter().map(|scope| entra::full_scope(scope)).collect();
        let also = |scope: &&String| resource.is_some() && entra::resource(scope) == resource;
        let of_sign_in = |scope: &&String| is_sign_in(scope) && *scope != "offline_access";
        let others = self.0.iter().filter(also).chain(self.0.iter().filter(of_sign_in));
        let others = others.filter(|scope| !told.contains(*scope) && !scope.ends_with(DEFAULT_SCOPE));
        let named = |scope: &String| if short { entra::short_scope(scope).into() } else { scope.clone() };
        listed.extend(others.map(named));
        listed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "7f2c2d4e-5c3b-4a1f-9d0e-1b2a3c4d5e6f";

    fn scopes(text: &str) -> Vec<String> {
        text.split(' ').map(Into::into).collect()
    }

    fn consents() -> Consents {
        let mut consents = Consents::default();
        let account = Whose::Account("a".into());
        consents.allow("c", account.clone(), &scopes("openid offline_access User.Read"));
        consents.allow(
            "c",
            account,
            &scopes("https://graph.microsoft.com/Mail.Read api://x/read api://y/.default"),
        );
        consents.allow("c", Whose::Tenant(TENANT.into()), &scopes("api://admin/all"));
        consents
    }

    /// What was given to this client for this account.
    fn given(client_id: &str, username: &str, tenant: &str) -> Given {
        let (client_id, username) = (client_id.into(), username.into());
        consents().given(&Grant { client_id, username, home: TENANT.into(), ..Grant::default() }, tenant)
    }

    #[test]
    fn what_was_allowed_adds_up_and_no_further() {
        let account = given("c", "a", "common");
        for (scope, covered) in [
            ("openid profile", true),
            ("User.Read https://graph.microsoft.com/User.Read Mail.Read", true),
            ("https://graph.microsoft.com/.default", true),
            ("User.Read Mail.Send", false),
            ("api://x/read", true),
            ("api://x/write", false),
            ("api://y/anything", true),
            ("api://admin/all", true),
            ("api://z/.default", false),
        ] {
            assert_eq!(account.covers(&scopes(scope)), covered, "{scope}");
        }
        assert!(!given("c", "a", "contoso.com").covers(&scopes("api://admin/all")));
        assert!(given("c", "b", TENANT).covers(&scopes("api://admin/all")));
        for (client, account) in [("d", "a"), ("c", "b")] {
            assert!(!given(client, account, TENANT).covers(&scopes("User.Read")), "{client} {account}");
        }
    }

    #[test]
    fn the_response_lists_the_whole_resource() {
        let account = given("c", "a", TENANT);
        let graph = "https://graph.microsoft.com";
        for (asked, listed) in [
            ("User.Read offline_access", "User.Read Mail.Read openid".to_owned()),
            (
                "https://graph.microsoft.com/.default",
                format!("{graph}/.default {graph}/Mail.Read {graph}/User.Read openid"),
            ),
            ("api://x/read openid", "api://x/read openid".to_owned()),
            ("openid", "openid".to_owned()),
        ] {
            assert_eq!(account.listed(&scopes(asked)).join(" "), listed, "{asked}");
        }
    }
}
