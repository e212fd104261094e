//! Every bundled provider logs in, refreshes and logs out as `tests/vectors/bundled.json` has it: its addresses to the
//! letter, and where it differs from RFC 6749. The file says the same a second time, and a slip in either shows.
//!
//! A provider whose endpoints come from its metadata is played with the ones that its row has in their place.

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::play::perform;
use crate::root;
use crate::vector::Vector;

/// Those that have no server of their own: the tests of discovery play them.
const ANYWHERE: [&str; 2] = ["mcp", "oidc"];

/// How one provider speaks. What is absent is as the standards have it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Row {
    authorization: String,
    token: String,
    refresh: Option<String>,
    revocation: Option<String>,
    /// The device authorization endpoint.
    device: Option<String>,
    /// What `scope` is called there.
    device_scope: Option<String>,
    /// `public`, `basic`, `post`, or `empty` for basic with an empty password.
    client: String,
    /// What `client_id` is called.
    client_id: Option<String>,
    /// The scopes as they are sent; absent when none are.
    scope: Option<String>,
    /// The scopes that the login names; absent for the provider's own.
    asked: Option<String>,
    /// Absent: `http://127.0.0.1/callback`.
    redirect_uri: Option<String>,
    /// `none` or `hex`.
    challenge: Option<String>,
    /// `json`.
    body: Option<String>,
    /// `bearer` or `json_delete`.
    revoke: Option<String>,
    parameters: BTreeMap<String, String>,
    redeem: BTreeMap<String, String>,
    refreshed: BTreeMap<String, String>,
    callback: BTreeMap<String, String>,
    /// Members of the answer; `null` takes one away.
    answer: Map<String, Value>,
    values: BTreeMap<String, String>,
    learnt: BTreeMap<String, String>,
    /// The header up to the token.
    header: Option<String>,
    /// What the token's lifetime comes to, where it is not the answer's.
    lifetime: Option<i64>,
    /// The token does not expire, whatever the answer says.
    endless: bool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_bundled_provider_speaks_its_dialect() {
    let text = fs::read_to_string(root().join("tests/vectors/bundled.json")).unwrap();
    let rows: BTreeMap<String, Row> = serde_json::from_str(&text).unwrap();
    let files = fs::read_dir(root().join("core/providers")).unwrap();
    let files = files.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = files.map(|file| file.trim_end_matches(".toml").to_owned()).collect();
    names.retain(|name| !ANYWHERE.contains(&name.as_str()));
    names.sort_unstable();
    assert_eq!(rows.keys().collect::<Vec<_>>(), names.iter().collect::<Vec<_>>(), "each has a row");
    let running: Vec<_> = rows
        .into_iter()
        .map(|(name, row)| {
            let file = format!("core/providers/{name}.toml");
            let definition = row.with_endpoints(&fs::read_to_string(root().join(&file)).unwrap());
            let (vector, device) = (row.vector(&file, &definition), row.device_vector(&file, &definition));
            let label = name.clone();
            let played = async move {
                perform(&label, &definition, vector).await;
                if let Some(device) = device {
                    perform(&format!("{label} by device"), &definition, device).await;
                }
            };
            (name, tokio::spawn(played))
        })
        .collect();
    let mut failed = Vec::new();
    for (name, played) in running {
        if played.await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "not as written down: {failed:?}; what differs stands above");
}

impl Row {
    /// The exchange that the row is about.
    fn vector(&self, file: &str, definition: &str) -> Vector {
        let mut login = self.authenticated(json!({
            "grant_type": "authorization_code",
            "code": "code-1",
            "redirect_uri": self.redirect_uri(),
        }));
        if self.challenge.as_deref() != Some("none") {
            login["code_verifier"] = "{code_verifier}".into();
        }
        merge(&mut login, &self.redeem);
        let mut refresh =
            self.authenticated(json!({ "grant_type": "refresh_token", "refresh_token": "rt-1" }));
        merge(&mut refresh, &self.refreshed);
        let refreshed_at = self.refresh.as_ref().unwrap_or(&self.token);
        let secret = matches!(self.client.as_str(), "basic" | "post").then_some("s1");
        let vector = json!({
            "dialect": "bundled",
            "file": file,
            "options": {
                "client_id": "c1",
                "client_secret": secret,
                "scopes": self.asked,
                "values": self.values,
                "redirect_uri": self.redirect_uri(),
            },
            "login": {
                "authorization": self.authorization(),
                "exchanges": [{ "request": self.request(&self.token, login), "answer": { "body": self.answer("1") } }],
                "grant": self.grant("1", definition),
            },
            "refresh": {
                "exchanges": [{ "request": self.request(refreshed_at, refresh), "answer": { "body": self.answer("2") } }],
                "grant": self.grant("2", definition),
            },
            "logout": self.logout(),
        });
        serde_json::from_value(vector).unwrap()
    }

    /// A login by the device code flow, where the provider has it.
    fn device_vector(&self, file: &str, definition: &str) -> Option<Vector> {
        let url = self.device.as_ref()?;
        // Without a secret, but where there is no client without one.
        let client =
            if definition.contains("\nsecret_required = true\n") { self.client.as_str() } else { "public" };
        let row = Row { client: client.to_owned(), token: self.token.clone(), ..Row::default() };
        let mut asked = row.authenticated(json!({}));
        if let Some(scope) = &self.scope {
            asked[self.device_scope.as_deref().unwrap_or("scope")] = scope.as_str().into();
        }
        let codes = json!({
            "device_code": "dc-1",
            "user_code": "WDJB-MJHT",
            "verification_uri": "https://device.example/",
            "expires_in": 900,
            "interval": 1,
        });
        let mut poll = row.authenticated(json!({
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "device_code": "dc-1",
        }));
        merge(&mut poll, &self.redeem);
        let vector = json!({
            "dialect": "bundled",
            "file": file,
            "options": {
                "client_id": "c1",
                "client_secret": (client != "public").then_some("s1"),
                "values": self.values,
            },
            "login": {
                "device": { "user_code": "WDJB-MJHT", "verification_uri": "https://device.example/" },
                "exchanges": [
                    { "request": row.request(url, asked), "answer": { "body": codes } },
                    { "request": row.request(&self.token, poll), "answer": { "body": self.answer("1") } },
                ],
                "grant": self.grant("1", definition),
            },
        });
        Some(serde_json::from_value(vector).unwrap())
    }

    fn authorization(&self) -> Value {
        let mut parameters = json!({
            "response_type": "code",
            "redirect_uri": self.redirect_uri(),
            "state": "{state}",
        });
        parameters[self.client_id.as_deref().unwrap_or("client_id")] = "c1".into();
        if let Some(scope) = &self.scope {
            parameters["scope"] = scope.as_str().into();
            if scope.split(' ').any(|scope| scope == "openid") {
                parameters["nonce"] = "{nonce}".into();
            }
        }
        if self.challenge.as_deref() != Some("none") {
            let hex = self.challenge.as_deref() == Some("hex");
            parameters["code_challenge"] = if hex { "{S256-hex}" } else { "{S256}" }.into();
            parameters["code_challenge_method"] = "S256".into();
        }
        merge(&mut parameters, &self.parameters);
        let mut callback = json!({ "code": "code-1", "state": "{state}" });
        merge(&mut callback, &self.callback);
        json!({ "url": self.authorization, "parameters": parameters, "callback": callback })
    }

    fn redirect_uri(&self) -> &str {
        self.redirect_uri.as_deref().unwrap_or("http://127.0.0.1/callback")
    }

    /// The parameters with those that name the client.
    fn authenticated(&self, mut parameters: Value) -> Value {
        let client_id = self.client_id.as_deref().unwrap_or("client_id");
        if matches!(self.client.as_str(), "public" | "post") {
            parameters[client_id] = "c1".into();
        }
        if self.client == "post" {
            parameters["client_secret"] = "s1".into();
        }
        parameters
    }

    fn request(&self, url: &str, parameters: Value) -> Value {
        let mut request = json!({ "url": url });
        request[self.body.as_deref().unwrap_or("form")] = parameters;
        match self.client.as_str() {
            "basic" => request["basic"] = "c1:s1".into(),
            "empty" => request["basic"] = "c1:".into(),
            _ => {}
        }
        request
    }

    fn answer(&self, number: &str) -> Value {
        let mut answer = json!({
            "access_token": format!("at-{number}"),
            "token_type": "Bearer",
            "expires_in": 3600,
            "refresh_token": format!("rt-{number}"),
        });
        for (name, value) in &self.answer {
            answer[name] = value.clone();
        }
        answer
    }

    fn grant(&self, number: &str, definition: &str) -> Value {
        let values: BTreeMap<_, _> =
            defaults(definition).chain(self.values.clone()).chain(self.learnt.clone()).collect();
        let asked = self.asked.as_ref().or(self.scope.as_ref());
        json!({
            "header": format!("{}at-{number}", self.header.as_deref().unwrap_or("Authorization: Bearer ")),
            "lifetime": (!self.endless).then_some(self.lifetime.unwrap_or(3600)),
            "scopes": asked.map(|scopes| scopes.split(' ').collect::<Vec<_>>()).unwrap_or_default(),
            "refreshable": true,
            "api_hosts": api_hosts(definition, &values),
            "values": values,
        })
    }

    fn logout(&self) -> Value {
        let Some(url) = &self.revocation else { return json!({ "revocation": "not_supported" }) };
        let request = match self.revoke.as_deref() {
            None => {
                let token = json!({ "token": "rt-2", "token_type_hint": "refresh_token" });
                self.request(url, self.authenticated(token))
            }
            Some("bearer") => json!({ "url": url, "bearer": "at-2" }),
            Some("json_delete") => {
                json!({ "method": "DELETE", "url": url, "basic": "c1:s1", "json": { "access_token": "at-2" } })
            }
            Some(other) => panic!("{other}"),
        };
        json!({ "exchanges": [{ "request": request, "answer": {} }], "revocation": "revoked" })
    }

    /// The provider's file; with the row's endpoints in the place of metadata.
    fn with_endpoints(&self, definition: &str) -> String {
        if !definition.contains("\ndiscovery = true\n") {
            return definition.to_owned();
        }
        let mut endpoints =
            format!("authorization = \"{}\"\ntoken = \"{}\"\n", self.authorization, self.token);
        if let Some(revocation) = &self.revocation {
            endpoints.push_str(&format!("revocation = \"{revocation}\"\n"));
        }
        let named = definition.replace("\ndiscovery = true\n", "\n");
        named.replace("\n[endpoints]\n", &format!("\n[endpoints]\n{endpoints}"))
    }
}

fn merge(parameters: &mut Value, further: &BTreeMap<String, String>) {
    for (name, value) in further {
        parameters[name] = value.as_str().into();
    }
}

fn parsed(definition: &str) -> toml::Table {
    definition.parse().unwrap()
}

/// The values that nobody has to name.
fn defaults(definition: &str) -> impl Iterator<Item = (String, String)> {
    let values = parsed(definition).remove("values").and_then(|values| values.try_into::<toml::Table>().ok());
    values.unwrap_or_default().into_iter().filter_map(|(name, value)| {
        let default = value.get("default")?.as_str()?.to_owned();
        Some((name, default))
    })
}

/// The hosts of the file for these values.
fn api_hosts(definition: &str, values: &BTreeMap<String, String>) -> Vec<String> {
    let definition = parsed(definition);
    let hosts = definition["api"]["hosts"].as_array().unwrap().iter();
    let filled = hosts.map(|host| {
        values.iter().fold(host.as_str().unwrap().to_owned(), |host, (name, value)| {
            host.replace(&format!("{{{name}}}"), value.trim_start_matches("https://"))
        })
    });
    filled.collect()
}
