//! `tokenkeep admin-consent`: the address to send to an administrator, and what the address says that they end up at.

use serde::Serialize;
use tokenkeep::{AdminConsent, AdminConsentOptions, AdminConsentRequest};

use super::Invocation;
use crate::args::AdminConsentArgs;
use crate::exit::Failure;
use crate::output::{data, json, say, words};

#[derive(Serialize)]
struct RequestView<'a> {
    url: &'a str,
    state: &'a str,
    redirect_uri: &'a str,
}

#[derive(Serialize)]
struct ConsentView<'a> {
    tenant: Option<&'a str>,
    scopes: Vec<&'a str>,
}

pub fn run(invocation: &Invocation, args: &AdminConsentArgs) -> Result<(), Failure> {
    let key = args.connection.key()?;
    if let (Some(answer), Some(state)) = (&args.answer, &args.state) {
        return show_consent(invocation, &invocation.broker.read_admin_consent(state, answer)?);
    }
    let options = AdminConsentOptions {
        connection: key.connection,
        tenant: args.tenant.clone(),
        cloud: args.cloud.clone(),
        client_id: args.client_id.clone(),
        scopes: args.scopes.as_deref().map(str::parse).transpose()?,
        redirect_uri: args.redirect_uri.clone(),
    };
    show_request(invocation, args, &invocation.broker.admin_consent_url(&key.provider, &options)?)
}

fn show_request(
    invocation: &Invocation,
    args: &AdminConsentArgs,
    request: &AdminConsentRequest,
) -> Result<(), Failure> {
    let AdminConsentRequest { url, state, redirect_uri } = request;
    if invocation.json {
        return json(&RequestView { url: url.as_str(), state, redirect_uri });
    }
    data(url.as_str())?;
    say(format_args!(
        "Send this address to an administrator. They end up at {redirect_uri}, with the answer in the address; read it \
         with:\n  tokenkeep admin-consent {} --state {state} --answer 'ADDRESS'",
        args.connection.provider
    ));
    Ok(())
}

fn show_consent(invocation: &Invocation, consent: &AdminConsent) -> Result<(), Failure> {
    if invocation.json {
        return json(&ConsentView { tenant: consent.tenant.as_deref(), scopes: words(&consent.scopes) });
    }
    let whose = consent.tenant.as_deref().map(|tenant| format!(" for {tenant}")).unwrap_or_default();
    say(format_args!("The administrator consented{whose}"));
    consent.scopes.iter().try_for_each(data)
}
