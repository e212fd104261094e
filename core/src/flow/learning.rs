//! What a login learns of its customer from the server's own answers, and what follows for the rest of the login.
//!
//! The code may have to be redeemed where the redirect says (Zoho's data centers), and the grant may be of a customer whom only
//! the token response names (Salesforce). From then on every endpoint is the one of that customer.
//!
//! May not enter: what a value may look like (`provider`).

use std::borrow::Cow;

use super::FlowRequest;
use crate::error::Result;
use crate::protocol::further_member;
use crate::provider::{ValueSource, Values, values};
use crate::transport::content_type;

impl FlowRequest {
    /// The request once the server has said `learnt`: endpoints may be elsewhere for this customer.
    ///
    /// # Errors
    /// `config_invalid` when an endpoint does not become a URL.
    pub fn knowing(&self, learnt: &Values) -> Result<Cow<'_, FlowRequest>> {
        if learnt.iter().all(|(name, value)| self.values.get(name) == Some(value)) {
            return Ok(Cow::Borrowed(self));
        }
        let mut values = self.values.clone();
        values.extend(learnt.clone());
        let endpoints = self.endpoints.with_values(&self.definition, self.authority.as_ref(), &values)?;
        Ok(Cow::Owned(FlowRequest { values, endpoints, ..self.clone() }))
    }

    /// What a token response says of the customer.
    pub(super) fn learnt_from_token_response(&self, response: &http::Response<Vec<u8>>) -> Result<Values> {
        let find = |name: &str| further_member(content_type(response), response.body(), name);
        values::learnt(&self.definition, ValueSource::TokenResponse, find)
    }

    /// The same of an authorization response; `further` are its parameters beside the standard's.
    pub(super) fn learnt_from_authorization_response(&self, further: &Values) -> Result<Values> {
        values::learnt(&self.definition, ValueSource::AuthorizationResponse, |name| {
            further.get(name).cloned()
        })
    }
}
