//! The device authorization endpoint (RFC 8628, sections 3.1 and 3.2).

use std::time::{Duration, Instant};

use serde_json::json;

use super::authorize::DEFAULT_USERNAME;
use super::{check_post, client};
use crate::clock::after;
use crate::device::Device;
use crate::entra;
use crate::grant::Grant;
use crate::options::Dialect;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::request::Request;
use crate::resource_indicators::resources;
use crate::shared::Shared;

/// Answers with a device code and a user code.
pub(super) fn answer(shared: &Shared, request: &Request, tenant: &str) -> Result<Reply, Refusal> {
    check_post(shared, request, tenant)?;
    let client_id = client(shared, request, tenant)?.id;
    let scope = request.scope();
    if shared.is_entra() && scope.is_empty() {
        return Err(Refusal::ParameterMissing("scope"));
    }
    let resources = resources(shared, request)?;
    let live = shared.live();
    let (device_code, user_code) = (shared.random.awkward_token("device"), shared.random.user_code());
    let username = DEFAULT_USERNAME.into();
    let home = entra::home(tenant, live.home_tenant.as_deref());
    let signed_in_at = tenant.into();
    let grant =
        Grant { client_id, username, scope, resources, tenant: signed_in_at, home, ..Grant::default() };
    let expires = after(Instant::now(), live.device_lifetime);
    let device = Device::new(user_code.clone(), grant, expires, Duration::from_secs(live.device_interval));
    shared.state().devices.add(device_code.clone(), device);

    let mut body = json!({
        "device_code": device_code,
        "user_code": user_code,
        "expires_in": live.device_lifetime,
        "interval": live.device_interval,
    });
    match shared.dialect() {
        Dialect::Plain => {
            let page = format!("{}/device", shared.authority(request, tenant));
            body["verification_uri_complete"] = json!(format!("{page}?user_code={user_code}"));
            body["verification_uri"] = json!(page);
        }
        // Entra has no complete URI, and a sentence instead.
        Dialect::Entra => {
            let page = format!("{}/devicelogin", shared.base(request));
            body["message"] = json!(format!(
                "To sign in, use a web browser to open the page {page} and enter the code {user_code} to authenticate."
            ));
            body["verification_uri"] = json!(page);
        }
    }
    Ok(Reply::json(200, body))
}
