//! What is Entra's own: tenants, accounts with an object id, scopes that name their resource.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::random::{guid_for, is_guid};
use crate::refusal::Refusal;

/// The tenant of personal Microsoft accounts.
pub(crate) const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// The work tenant in which an account lives that signs in at `common` or `organizations`.
pub(crate) const HOME: &str = "7f2c2d4e-5c3b-4a1f-9d0e-1b2a3c4d5e6f";

/// What the issuer of `common` and `organizations` says in place of a tenant, literally.
pub(crate) const TENANT_TEMPLATE: &str = "{tenantid}";

/// The resource of a scope that names none.
const GRAPH: &str = "https://graph.microsoft.com";

/// Scopes of the sign-in itself; they belong to no resource.
const SIGN_IN_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// The scope that stands for all of a resource's, with the slash before it.
pub(crate) const DEFAULT_SCOPE: &str = "/.default";

/// The first segment of the path must be one of the three names, a GUID or a domain.
pub(crate) fn check_tenant(segment: &str) -> Result<(), Refusal> {
    let named = ["common", "organizations", "consumers"].contains(&segment);
    if named || is_guid(segment) || segment.contains('.') { Ok(()) } else { Err(Refusal::TenantMalformed) }
}

/// The tenant id that a token of this authority carries as `tid`.
pub(crate) fn tenant_id(segment: &str) -> String {
    match segment {
        "common" | "organizations" => HOME.into(),
        "consumers" => CONSUMERS.into(),
        guid if is_guid(guid) => guid.to_ascii_lowercase(),
        domain => guid_for(domain),
    }
}

/// The tenant id of an account's home: that of the authority it signs in at, unless it is said to be another.
pub(crate) fn home(segment: &str, said: Option<&str>) -> String {
    tenant_id(said.unwrap_or(segment))
}

/// The tenant id that an account's tokens carry as `tid` at this authority: its home, or where it is a guest.
pub(crate) fn signed_in_at(segment: &str, home: &str) -> String {
    match segment {
        "common" | "organizations" => home.into(),
        other => tenant_id(other),
    }
}

/// The tenant part of the issuer in the metadata of this authority.
pub(crate) fn issuer_tenant(segment: &str) -> String {
    match segment {
        "common" | "organizations" => TENANT_TEMPLATE.into(),
        other => tenant_id(other),
    }
}

/// A grant of a personal account is of no use at a work authority, nor the other way round. `granted_at` is the tenant
/// id, `asked_at` the authority.
pub(crate) fn check_refresh_tenant(granted_at: &str, asked_at: &str) -> Result<(), Refusal> {
    let personal = granted_at == CONSUMERS;
    let fits = asked_at == "common" || (tenant_id(asked_at) == CONSUMERS) == personal;
    if fits { Ok(()) } else { Err(Refusal::RefreshTokenOfOtherTenant) }
}

/// The scopes of one resource, as a token request must name them.
pub(crate) fn check_token_scope(scope: &[String]) -> Result<(), Refusal> {
    let resource_scopes: Vec<&String> = scope.iter().filter(|scope| resource(scope).is_some()).collect();
    let mut resources: Vec<&str> = resource_scopes.iter().filter_map(|scope| resource(scope)).collect();
    resources.sort_unstable();
    resources.dedup();
    match resource_scopes.as_slice() {
        _ if resources.len() > 1 => Err(Refusal::ScopesOfTwoResources),
        [_, _, ..] if resource_scopes.iter().any(|scope| scope.ends_with(DEFAULT_SCOPE)) => {
            Err(Refusal::ScopeInvalid)
        }
        _ => Ok(()),
    }
}

/// A client that asks for itself names a tenant, and one resource with all that it may do there.
pub(crate) fn check_application(tenant: &str, scope: &[String]) -> Result<(), Refusal> {
    match (tenant, scope) {
        ("common" | "consumers", _) => Err(Refusal::TenantOfPeople),
        ("organizations", _) => Err(Refusal::TenantMissing),
        (_, [one]) if one.ends_with(DEFAULT_SCOPE) => Ok(()),
        (_, []) => Err(Refusal::ParameterMissing("scope")),
        _ => Err(Refusal::ScopeNotDefault),
    }
}

/// What the response's `scope` says: everything but `offline_access`.
pub(crate) fn echoed(scope: &[String]) -> Vec<String> {
    scope.iter().filter(|scope| *scope != "offline_access").cloned().collect()
}

/// The resource a scope belongs to: what stands before its last slash, and Graph where there is none.
pub(crate) fn resource(scope: &str) -> Option<&str> {
    match scope.rsplit_once('/') {
        _ if is_sign_in(scope) => None,
        None => Some(GRAPH),
        Some((resource, _)) => Some(resource.trim_end_matches('/')),
    }
}

/// The resource that a request is about: that of its first scope that has one.
pub(crate) fn first_resource(scope: &[String]) -> Option<&str> {
    scope.iter().find_map(|scope| resource(scope))
}

/// Is it a scope of the sign-in itself?
pub(crate) fn is_sign_in(scope: &str) -> bool {
    SIGN_IN_SCOPES.contains(&scope)
}

/// A scope with its resource in front; one of the sign-in has none.
pub(crate) fn full_scope(scope: &str) -> String {
    resource(scope).map_or_else(|| scope.into(), |resource| format!("{resource}/{}", short_scope(scope)))
}

/// What stands behind the resource.
pub(crate) fn short_scope(scope: &str) -> &str {
    scope.rsplit_once('/').map_or(scope, |(_, name)| name)
}

/// The account's id in its home tenant.
pub(crate) fn object_id(username: &str) -> String {
    guid_for(username)
}

/// `oid`: a guest has another one than at home.
pub(crate) fn object_id_at(username: &str, home: &str, tenant_id: &str) -> String {
    if home == tenant_id { object_id(username) } else { guid_for(&format!("{username} {tenant_id}")) }
}

/// `sub`: pairwise, so another client sees another value.
pub(crate) fn subject(username: &str, client_id: &str) -> String {
    guid_for(&format!("{username} {client_id}")).replace('-', "")
}

/// `client_info`: the account's home, which MSAL makes its `home_account_id` from.
pub(crate) fn client_info(username: &str, home: &str) -> String {
    let home = json!({"uid": object_id(username), "utid": home});
    URL_SAFE_NO_PAD.encode(home.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(text: &str) -> Vec<String> {
        text.split(' ').map(Into::into).collect()
    }

    #[test]
    fn one_resource_for_one_token() {
        let two = Err(Refusal::ScopesOfTwoResources);
        for (scope, expected) in [
            ("openid offline_access", Ok(())),
            ("User.Read Mail.Read offline_access", Ok(())),
            ("User.Read https://graph.microsoft.com/Mail.Read", Ok(())),
            ("https://graph.microsoft.com/.default openid", Ok(())),
            ("https://graph.microsoft.com/.default User.Read", Err(Refusal::ScopeInvalid)),
            ("User.Read https://vault.azure.net/user_impersonation", two.clone()),
            ("api://a/x api://b/x", two),
        ] {
            assert_eq!(check_token_scope(&scopes(scope)), expected, "{scope}");
        }
    }

    #[test]
    fn tenants_and_their_issuers() {
        for (segment, id, issuer) in [
            ("common", HOME, TENANT_TEMPLATE),
            ("organizations", HOME, TENANT_TEMPLATE),
            ("consumers", CONSUMERS, CONSUMERS),
            (HOME, HOME, HOME),
        ] {
            assert_eq!((tenant_id(segment).as_str(), issuer_tenant(segment).as_str()), (id, issuer));
        }
        assert!(is_guid(&issuer_tenant("contoso.com")));
        assert_eq!(check_tenant("contoso.com"), Ok(()));
        assert_eq!(check_tenant("nonsense"), Err(Refusal::TenantMalformed));
    }

    #[test]
    fn a_guest_is_at_home_elsewhere() {
        let home = home("contoso.com", Some("fabrikam.com"));
        assert_eq!(home, tenant_id("fabrikam.com"));
        assert_eq!(signed_in_at("contoso.com", &home), tenant_id("contoso.com"));
        assert_eq!(signed_in_at("common", &home), home);
        assert_eq!(object_id_at("a", &home, &home), object_id("a"));
        assert_ne!(object_id_at("a", &home, &tenant_id("contoso.com")), object_id("a"));
    }

    #[test]
    fn personal_and_work_grants_do_not_mix() {
        let refused = Err(Refusal::RefreshTokenOfOtherTenant);
        for (granted, asked, expected) in [
            ("common", "common", Ok(())),
            ("common", HOME, Ok(())),
            ("common", "contoso.com", Ok(())),
            ("common", "consumers", refused.clone()),
            ("consumers", "common", Ok(())),
            ("consumers", CONSUMERS, Ok(())),
            ("consumers", "organizations", refused),
        ] {
            assert_eq!(check_refresh_tenant(&tenant_id(granted), asked), expected, "{granted} {asked}");
        }
    }
}
