//! Authorization requests that were pushed (RFC 9126), each good for one answer and for a short time. The moment of every
//! act is handed in.

use std::collections::HashMap;
use std::time::Instant;

use crate::refusal::Refusal;

/// What a `request_uri` begins with (section 2.2).
pub(crate) const SCHEME: &str = "urn:ietf:params:oauth:request_uri:";

/// What never leaves the pushed request: the client's proof, which is no part of what it asks.
const PROOFS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// All that wait, by `request_uri`.
#[derive(Debug, Default)]
pub(crate) struct PushedRequests(HashMap<String, Pushed>);

#[derive(Debug)]
struct Pushed {
    client_id: String,
    parameters: Vec<(String, String)>,
    expires: Instant,
}

impl PushedRequests {
    pub(crate) fn add(
        &mut self,
        request_uri: String,
        client_id: String,
        parameters: &[(String, String)],
        expires: Instant,
    ) {
        let asked = parameters.iter().filter(|(name, _)| !PROOFS.contains(&name.as_str()));
        self.0.insert(request_uri, Pushed { client_id, parameters: asked.cloned().collect(), expires });
    }

    /// The parameters of a request, to whoever pushed it.
    pub(crate) fn get(
        &self,
        request_uri: &str,
        client_id: &str,
        now: Instant,
    ) -> Result<Vec<(String, String)>, Refusal> {
        let pushed = self.0.get(request_uri).ok_or(Refusal::RequestUriInvalid)?;
        let good = pushed.client_id == client_id && now < pushed.expires;
        if good { Ok(pushed.parameters.clone()) } else { Err(Refusal::RequestUriInvalid) }
    }

    /// It was answered (section 4: "MUST be treated as one-time use").
    pub(crate) fn use_up(&mut self, request_uri: &str) {
        self.0.remove(request_uri);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::after;

    #[test]
    fn one_client_one_minute_one_answer() {
        let (mut pushed, now) = (PushedRequests::default(), Instant::now());
        let pair = |name: &str| (name.to_owned(), "x".to_owned());
        let sent = [pair("scope"), pair("client_secret"), pair("client_assertion")];
        pushed.add("u".into(), "c".into(), &sent, after(now, 60));
        assert_eq!(pushed.get("u", "c", after(now, 59)), Ok(vec![pair("scope")]));
        assert_eq!(pushed.get("u", "other", now), Err(Refusal::RequestUriInvalid));
        assert_eq!(pushed.get("u", "c", after(now, 60)), Err(Refusal::RequestUriInvalid));
        pushed.use_up("u");
        assert_eq!(pushed.get("u", "c", now), Err(Refusal::RequestUriInvalid));
    }
}
