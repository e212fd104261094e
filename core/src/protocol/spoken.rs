//! A request of the standards, said as one server wants it: names, the form of the body, an empty password.
//!
//! | difference | who | what is changed |
//! |---|---|---|
//! | `client_id_parameter` | TikTok | the name of `client_id`, in forms and in the authorization request |
//! | `empty_secret` | Reddit | a public client goes into the header, with an empty password |
//! | `body` | Notion, Atlassian | the form becomes one JSON object of strings |
//! | `scope_parameter` | Slack | the name of `scope` in the authorization request |
//! | device `scope_parameter` | Twitch | the name of `scope` in the request for a device code |
//!
//! Every request is first built as its standard has it, and what differs is changed here, so that a difference cannot
//! be forgotten in one of the grants.
//!
//! May not enter: what a request is for.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request};
use serde_json::{Map, Value};
use url::Url;
use url::form_urlencoded::{self, Serializer};

use super::client_auth::{Client, ClientAuthentication, basic_authorization};
use super::dialect::{BodyFormat, TokenDialect};
use crate::error::Result;
use crate::secret::Secret;

impl TokenDialect {
    /// A form that is sent to the token endpoint, or another where the client says who it is, in this dialect.
    pub(super) fn spoken(
        &self,
        mut request: Request<Vec<u8>>,
        client: &Client<'_>,
    ) -> Result<Request<Vec<u8>>> {
        let by_empty_secret = self.empty_secret && client.authentication == ClientAuthentication::None;
        if self.client_id_parameter.is_none() && !by_empty_secret && self.body == BodyFormat::Form {
            return Ok(request);
        }
        let mut pairs: Vec<(String, String)> = form_urlencoded::parse(request.body()).into_owned().collect();
        if by_empty_secret {
            // RFC 6749 2.3.1: the header names the client, and the body does not name it again.
            let empty = basic_authorization(client.client_id, &Secret::new(""))?;
            request.headers_mut().insert(AUTHORIZATION, empty);
            pairs.retain(|(name, _)| name != CLIENT_ID);
        }
        if let Some(own) = &self.client_id_parameter {
            rename(&mut pairs, CLIENT_ID, own);
        }
        *request.body_mut() = match self.body {
            BodyFormat::Form => form(&pairs),
            BodyFormat::Json => {
                let json = HeaderValue::from_static("application/json");
                request.headers_mut().insert(CONTENT_TYPE, json);
                let members = pairs.into_iter().map(|(name, value)| (name, Value::String(value)));
                Value::Object(members.collect::<Map<_, _>>()).to_string().into_bytes()
            }
        };
        Ok(request)
    }

    /// The address of an authorization request with the names that the server has for its parameters.
    pub(super) fn renamed(&self, mut url: Url) -> Url {
        let names = [(CLIENT_ID, &self.client_id_parameter), (SCOPE, &self.scope_parameter)];
        let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let mut changed = false;
        for (standard, own) in names {
            if let Some(own) = own {
                rename(&mut pairs, standard, own);
                changed = true;
            }
        }
        if changed {
            url.query_pairs_mut().clear().extend_pairs(&pairs);
        }
        url
    }
}

/// A form in which the parameter `standard` is called `own`; the same form when it has no name of its own.
pub(super) fn with_parameter_renamed(
    mut request: Request<Vec<u8>>,
    standard: &str,
    own: Option<&str>,
) -> Request<Vec<u8>> {
    if let Some(own) = own {
        let mut pairs: Vec<(String, String)> = form_urlencoded::parse(request.body()).into_owned().collect();
        rename(&mut pairs, standard, own);
        *request.body_mut() = form(&pairs);
    }
    request
}

const CLIENT_ID: &str = "client_id";
const SCOPE: &str = "scope";

/// Gives every parameter of the name `standard` the name `own`.
fn rename(pairs: &mut [(String, String)], standard: &str, own: &str) {
    for (name, _) in pairs.iter_mut().filter(|(name, _)| name == standard) {
        own.clone_into(name);
    }
}

/// RFC 6749 appendix B.
fn form(pairs: &[(String, String)]) -> Vec<u8> {
    Serializer::new(String::new()).extend_pairs(pairs).finish().into_bytes()
}
