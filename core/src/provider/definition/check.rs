//! What one member of a provider's file alone cannot tell: what contradicts what.
//!
//! | what | why |
//! |---|---|
//! | no endpoint to begin a login at | a file without discovery has nowhere else to learn it |
//! | a default cloud that is none | the first login would fail |
//! | no challenge, and no secret | whoever has the code would have the grant (RFC 9700 2.1.1) |
//! | a secret that is wanted, and none that is sent | every login would be refused |
//! | a grace period of a token that is not replaced | one of both is wrong, and decides what a lost answer means |
//! | a parameter that Tokenkeep decides | it would be left out of the request without a word |
//! | a redirect that nobody listens on, where one is listened on | the login would wait for ever |
//!
//! A file that contradicts itself is refused when it is added, and when a login reads it: what it was meant to say is
//! nobody's to guess, since codes, tokens and secrets go where it says.
//!
//! May not enter: the place of a mistake in the text (`mistake`).

use http::HeaderName;
use url::Url;

use super::super::endpoint_template::EndpointTemplate;
use super::{Mistake, ProviderDefinition, RedirectDefinition};
use crate::protocol::{
    ClientAuthentication, CodeChallenge, RevocationMethod, RotationClass, is_protocol_parameter,
};

impl ProviderDefinition {
    /// Finds the first mistake. The order is that of the sections as people write them.
    ///
    /// # Errors
    /// The member that is wrong, with what was expected and what was found.
    pub(super) fn check(&self) -> Result<(), Mistake> {
        self.check_names()?;
        self.check_endpoints()?;
        self.check_authority()?;
        self.check_client()?;
        self.check_token()?;
        self.check_parameters()?;
        self.check_api()?;
        self.check_values()?;
        self.scopes.check()?;
        self.redirect.check()
    }

    /// What is shown to people, and what is handed to a shell.
    fn check_names(&self) -> Result<(), Mistake> {
        if self.display_name.chars().any(char::is_control) {
            return Err(Mistake::expected(
                "display_name",
                "one line without control characters",
                &self.display_name,
            ));
        }
        // `tokenkeep export` writes it for a shell to read.
        let variable = &self.access_token_variable;
        let word = variable.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !word || variable.is_empty() || variable.starts_with(|c: char| c.is_ascii_digit()) {
            let expected = "letters, digits and underscores (POSIX 8.1)";
            return Err(Mistake::expected("access_token_variable", expected, variable));
        }
        Ok(())
    }

    /// Where a login begins and where its code is redeemed. With discovery both come from the server's metadata.
    fn check_endpoints(&self) -> Result<(), Mistake> {
        let endpoints = &self.endpoints;
        if self.discovery {
            return Ok(());
        }
        if self.resource_discovery {
            return Err(Mistake::new("resource_discovery", "finds an issuer, and discovery is not on"));
        }
        if endpoints.token.is_none() {
            return Err(Mistake::new("endpoints.token", "is missing, and discovery is not on"));
        }
        if endpoints.authorization.is_none() && endpoints.device_authorization.is_none() {
            let what = "is missing, and so is device_authorization: no login can begin";
            return Err(Mistake::new("endpoints.authorization", what));
        }
        if self.revocation.method != RevocationMethod::Form && endpoints.revocation.is_none() {
            return Err(Mistake::new(
                "revocation.method",
                "says how, and [endpoints] revocation does not say where",
            ));
        }
        Ok(())
    }

    /// The clouds, and what the endpoints become in each.
    fn check_authority(&self) -> Result<(), Mistake> {
        let Some(authority) = &self.authority else { return Ok(()) };
        if !authority.clouds.contains_key(&authority.default_cloud) {
            let known = authority.clouds.keys().cloned().collect::<Vec<_>>().join(", ");
            let expected = format!("one of the clouds {known}");
            return Err(Mistake::expected("authority.default_cloud", &expected, &authority.default_cloud));
        }
        // A template is judged by an example. A cloud on this machine may be plain http, and what a
        // template makes of it may be elsewhere.
        for cloud in authority.clouds.values() {
            for (name, endpoint) in self.endpoints.named() {
                let filled = endpoint.fill(cloud.as_str(), "common").parse::<EndpointTemplate>();
                filled.map_err(|problem| Mistake::new(format!("endpoints.{name}"), problem))?;
            }
        }
        Ok(())
    }

    /// How the client proves itself, and that a code without a challenge is tied to it.
    fn check_client(&self) -> Result<(), Mistake> {
        let own = self.client_credentials.as_ref().and_then(|own| own.authentication);
        let methods = [
            ("client.authentication", self.client.authentication),
            ("client_credentials.authentication", own),
        ];
        for (member, method) in methods {
            if method == Some(ClientAuthentication::PrivateKeyJwt) {
                let what = "says how a client secret is sent, and private_key_jwt sends none";
                return Err(Mistake::new(member, what));
            }
        }
        if own == Some(ClientAuthentication::None) {
            let what = "is none, and app-only access wants a secret";
            return Err(Mistake::new("client_credentials.authentication", what));
        }
        if self.client.secret_required && self.client.empty_secret {
            return Err(Mistake::new(
                "client.empty_secret",
                "is true, and so is secret_required: only one can be",
            ));
        }
        if self.client.secret_required && self.client.authentication == Some(ClientAuthentication::None) {
            return Err(Mistake::new("client.secret_required", "is true, and authentication is none"));
        }
        // RFC 9700 2.1.1: without a challenge a stolen code is good for whoever has it; a secret is then the least.
        if self.authorization.code_challenge == CodeChallenge::None && !self.client.secret_required {
            let what =
                "is none, and [client] secret_required is not true: nothing would tie the code to this login";
            return Err(Mistake::new("authorization.code_challenge", what));
        }
        Ok(())
    }

    /// Lifetimes, and what becomes of a refresh token.
    fn check_token(&self) -> Result<(), Mistake> {
        let token = &self.token;
        if let Some(lifetime) = token.lifetime.filter(|seconds| *seconds <= 0) {
            return Err(Mistake::expected("token.lifetime", "seconds, more than 0", &lifetime.to_string()));
        }
        if token.rotation_grace < 0 {
            let found = token.rotation_grace.to_string();
            return Err(Mistake::expected("token.rotation_grace", "seconds, 0 or more", &found));
        }
        if token.rotation == RotationClass::Reusable && token.rotation_grace > 0 {
            let what =
                "says how long a refresh token that was replaced still works, and rotation is reusable";
            return Err(Mistake::new("token.rotation_grace", what));
        }
        Ok(())
    }

    /// Names of parameters. One that the request decides would be left out without a word (RFC 6749 3.1: no parameter is
    /// sent twice).
    fn check_parameters(&self) -> Result<(), Mistake> {
        let tables = [
            ("authorization.parameters", &self.authorization.parameters),
            ("authorization.offline_access_parameters", &self.authorization.offline_access_parameters),
            ("token.parameters", &self.token.parameters),
            ("token.refresh_parameters", &self.token.refresh_parameters),
            ("device.parameters", &self.device.parameters),
        ];
        for (table, parameters) in tables {
            let decided = |name: &&String| {
                is_protocol_parameter(name) && !(table == "device.parameters" && *name == "response_type")
            };
            if let Some(name) = parameters.keys().find(decided) {
                return Err(Mistake::new(
                    format!("{table}.{name}"),
                    "is a parameter that Tokenkeep decides itself",
                ));
            }
        }
        let names = [
            ("client.id_parameter", &self.client.id_parameter),
            ("scopes.parameter", &self.scopes.parameter),
            ("device.scope_parameter", &self.device.scope_parameter),
        ];
        for (member, name) in names {
            if let Some(name) = name.as_ref().filter(|name| name.is_empty() || is_protocol_parameter(name)) {
                return Err(Mistake::expected(member, "a name that no other parameter has", name));
            }
        }
        Ok(())
    }

    /// The header that carries the token: it is put together without a further look at it.
    fn check_api(&self) -> Result<(), Mistake> {
        if let Some(header) = &self.api.header
            && HeaderName::from_bytes(header.as_bytes()).is_err()
        {
            return Err(Mistake::expected("api.header", "the name of a header (RFC 9110 5.1)", header));
        }
        if let Some(scheme) = &self.api.scheme
            && !scheme.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(Mistake::expected("api.scheme", "one word, or nothing", scheme));
        }
        Ok(())
    }
}

impl RedirectDefinition {
    /// What a browser asks for must be, to the letter, what the listener waits for.
    fn check(&self) -> Result<(), Mistake> {
        let url = Url::parse(&format!("http://{}{}", self.host, self.path)).ok();
        let plain = |url: Url| url.path() == self.path && url.query().or(url.fragment()).is_none();
        if !self.path.starts_with('/') || !url.is_some_and(plain) {
            let expected = "a path as a browser sends it, which begins with /";
            return Err(Mistake::expected("redirect.path", expected, &self.path));
        }
        let Some(uri) = &self.uri else { return Ok(()) };
        if self.loopback {
            return Err(Mistake::new(
                "redirect.uri",
                "is not listened on, and loopback = false is not there",
            ));
        }
        let url = Url::parse(uri).ok().filter(|url| url.scheme() == "https" && url.fragment().is_none());
        if url.is_none() {
            return Err(Mistake::expected("redirect.uri", "an https URL without a fragment", uri));
        }
        Ok(())
    }
}
