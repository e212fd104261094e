//! Whether a login binds its tokens to a key (RFC 9449): as the caller says, else as the provider or the resource wants it,
//! else as the connection's earlier login had it. Judged before anybody is asked.

use std::sync::Arc;

use super::login::LoginOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::{DPOP_ALGORITHM, DpopKey};
use crate::provider::{Endpoints, ProviderDefinition};
use crate::store::ConnectionRecord;

/// A new key for this login, if its tokens are to be bound to one; `demanded` by the resource, for one.
///
/// # Errors
/// - `config_invalid`: the caller wants none, and the resource takes no token without.
/// - `unsupported`: the server does not take proofs of this key.
pub(super) fn dpop_key(
    definition: &ProviderDefinition,
    endpoints: &Endpoints,
    options: &LoginOptions,
    demanded: bool,
    earlier: Option<&ConnectionRecord>,
) -> Result<Option<Arc<DpopKey>>> {
    if options.dpop == Some(false) && demanded {
        let message =
            "the resource takes only tokens that are bound to a key (DPoP), and this login is to have none";
        return Err(Error::new(ErrorKind::ConfigInvalid, message).with_help("let the login use DPoP"));
    }
    let had_one = earlier.is_some_and(|earlier| earlier.dpop_key.is_some());
    let wanted = options.dpop.unwrap_or(definition.token.dpop || demanded || had_one);
    if !wanted {
        return Ok(None);
    }
    // A server that lists none may take them all the same: its answer tells.
    if let Some(listed) = &endpoints.dpop_algorithms
        && !listed.iter().any(|listed| listed == DPOP_ALGORITHM)
    {
        let message =
            format!("the server takes no proof of possession (DPoP) that is signed with {DPOP_ALGORITHM}");
        return Err(Error::new(ErrorKind::Unsupported, message)
            .with_help("log in without DPoP where the provider and the resource let you"));
    }
    DpopKey::generate().map(|key| Some(Arc::new(key)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::provider::{Catalog, endpoints};

    fn asked(
        dpop: Option<bool>,
        demanded: bool,
        change: impl FnOnce(&mut ProviderDefinition, &mut Endpoints),
    ) -> Result<bool> {
        let catalog = Catalog::new(std::env::temp_dir().join("tokenkeep-no-such-folder"));
        let mut definition = catalog.find(&"google".parse()?)?.definition;
        let mut endpoints = endpoints::from_definition(&definition, None, &BTreeMap::new())?;
        change(&mut definition, &mut endpoints);
        let options = LoginOptions { dpop, ..LoginOptions::default() };
        dpop_key(&definition, &endpoints, &options, demanded, None).map(|key| key.is_some())
    }

    #[test]
    fn the_caller_decides_and_a_resource_is_not_denied() {
        assert!(!asked(None, false, |_, _| {}).unwrap());
        assert!(asked(Some(true), false, |_, _| {}).unwrap());
        assert!(asked(None, false, |definition, _| definition.token.dpop = true).unwrap());
        assert!(!asked(Some(false), false, |definition, _| definition.token.dpop = true).unwrap());
        assert!(asked(None, true, |_, _| {}).unwrap());
        let denied = asked(Some(false), true, |_, _| {}).unwrap_err();
        assert_eq!(denied.code(), "config_invalid");
    }

    #[test]
    fn a_server_that_lists_algorithms_lists_this_one() {
        let listing = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            asked(Some(true), false, |_, endpoints| endpoints.dpop_algorithms = Some(names))
        };
        assert!(listing(&["RS256", "ES256"]).unwrap());
        assert_eq!(listing(&["RS256"]).unwrap_err().code(), "unsupported");
        assert_eq!(listing(&[]).unwrap_err().code(), "unsupported");
    }
}
