//! Token requests as they are sent, and answers as servers write them.

use super::*;
use crate::protocol::{ClientAuthentication, form};

const CHALLENGED: [u8; 32] = [9; 32];

fn sent(client: Client<'_>, grant: Grant<'_>, extra: &[(&str, &str)]) -> Request<Vec<u8>> {
    let extra: Vec<_> = extra.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
    let endpoint = Url::parse("https://as.example/token?v=2").unwrap();
    let request = TokenRequest {
        endpoint: &endpoint,
        client,
        grant,
        scope_separator: ' ',
        dialect: &TokenDialect::default(),
        extra: &extra,
    };
    assert!(!format!("{request:?}").contains("canary"));
    request.to_http().unwrap()
}

fn assert_form(request: &Request<Vec<u8>>, expected: &[(&str, &str)]) {
    let seen = form::tests::pairs(request);
    let seen: Vec<_> = seen.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(seen, expected);
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri(), "https://as.example/token?v=2");
    let mut names: Vec<_> = request.headers().keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    // Above all no Origin: Entra takes whoever sends one for a web page (AADSTS9002326).
    names.retain(|name| *name != "authorization");
    assert_eq!(names, ["accept", "content-type"]);
    assert_eq!(request.headers()["accept"], "application/json");
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
}

#[test]
fn every_grant_has_its_parameters_and_no_others() {
    let secret = Secret::new("canary");
    let verifier = CodeVerifier::from_random(CHALLENGED);
    let assertion = Secret::new("assertion-canary");
    let client = |authentication| Client {
        client_id: "c1",
        authentication,
        client_secret: Some(&secret),
        client_assertion: Some(&assertion),
    };
    let (public, post, basic) =
        (ClientAuthentication::None, ClientAuthentication::Post, ClientAuthentication::Basic);

    let redirect_uri = "http://localhost:53123/Callback";
    let grant = Grant::AuthorizationCode {
        code: &secret,
        redirect_uri,
        code_verifier: Some(&verifier),
        scopes: None,
    };
    let request = sent(client(public), grant, &[("resource", "r"), ("code_verifier", "evil")]);
    let mut expected = vec![
        ("grant_type", "authorization_code"),
        ("code", "canary"),
        ("code_verifier", verifier.secret().expose()),
        ("client_id", "c1"),
        ("redirect_uri", redirect_uri),
        ("resource", "r"),
    ];
    assert_form(&request, &expected);
    let request = sent(client(post), grant, &[("resource", "r")]);
    expected.insert(4, ("client_secret", "canary"));
    assert_form(&request, &expected);

    let scopes: ScopeSet = "a b".parse().unwrap();
    let grant = Grant::RefreshToken { refresh_token: &secret, scopes: Some(&scopes) };
    let request = sent(client(basic), grant, &[]);
    let expected = [("grant_type", "refresh_token"), ("refresh_token", "canary"), ("scope", "a b")];
    assert_form(&request, &expected);
    assert_eq!(request.headers()["authorization"], "Basic YzE6Y2FuYXJ5");
    let none = ScopeSet::default();
    for scopes in [None, Some(&none)] {
        let grant = Grant::RefreshToken { refresh_token: &secret, scopes };
        let expected = [("grant_type", "refresh_token"), ("refresh_token", "canary"), ("client_id", "c1")];
        assert_form(&sent(client(public), grant, &[("scope", "evil")]), &expected);
    }

    let grant = Grant::DeviceCode { device_code: &secret, grant_type: None, code_parameter: None };
    let expected = [("grant_type", DEVICE_CODE_GRANT), ("device_code", "canary"), ("client_id", "c1")];
    assert_form(&sent(client(public), grant, &[]), &expected);

    let grant = Grant::ClientCredentials { scopes: &scopes };
    let request = sent(client(post), grant, &[("scope", "evil"), ("resource", "r")]);
    let asked = [("grant_type", "client_credentials"), ("scope", "a b"), ("client_id", "c1")];
    let by_secret = [("client_secret", "canary"), ("resource", "r")];
    assert_form(&request, &[&asked[..], &by_secret].concat());
    let assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let by_certificate =
        [("client_assertion_type", assertion_type), ("client_assertion", "assertion-canary")];
    let request = sent(client(ClientAuthentication::PrivateKeyJwt), grant, &[]);
    assert_form(&request, &[&asked[..], &by_certificate].concat());
}

/// A body of a vector: text, JSON, bytes, or a list of parts with how often each is repeated.
fn body(case: &Value) -> Vec<u8> {
    match (&case["body"], &case["bytes"], &case["parts"]) {
        (Value::String(text), ..) => text.clone().into_bytes(),
        (Value::Null, bytes @ Value::Array(_), _) => serde_json::from_value(bytes.clone()).unwrap(),
        (Value::Null, _, Value::Array(parts)) => parts.iter().fold(Vec::new(), |mut all, part| {
            let times = part[1].as_u64().unwrap() as usize;
            all.extend(part[0].as_str().unwrap().repeat(times).bytes());
            all
        }),
        (json, ..) => json.to_string().into_bytes(),
    }
}

#[test]
fn response_vectors() {
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("../../../../tests/vectors/token_response.json")).unwrap();
    assert!(cases.len() >= 60);
    for case in &cases {
        let name = &case["name"];
        let status = case["status"].as_u64().unwrap_or(200) as u16;
        let separator = case["scope_separator"].as_str().and_then(|s| s.chars().next()).unwrap_or(' ');
        let dialect = serde_json::from_value(case["dialect"].clone()).unwrap_or_default();
        let outcome = parse_token_response(
            status,
            case["content_type"].as_str(),
            &body(case),
            separator,
            &dialect,
            TokenType::Bearer,
        );
        let shown = format!("{outcome:?}");
        assert!(!shown.contains("canary"), "{name}: {shown}");
        match outcome {
            Ok(token) => {
                let secret = |secret: &Option<Secret>| secret.as_ref().map(|s| s.expose().to_owned());
                let access_token = token.access_token.expose();
                assert_eq!(token.token_type, "Bearer", "{name}");
                let seen = serde_json::json!({
                    "access_token": access_token.get(..40).unwrap_or(access_token),
                    "expires_in": token.expires_in,
                    "refresh_in": token.refresh_in,
                    "refresh_token": secret(&token.refresh_token),
                    "scope": token.scope,
                    "id_token": secret(&token.id_token),
                    "client_info": token.client_info,
                });
                let mut expected = case["token"].clone();
                assert!(expected.is_object(), "{name}: accepted as {seen}");
                for (key, value) in seen.as_object().unwrap() {
                    if value.is_null() && expected.get(key).is_none() {
                        expected[key] = Value::Null;
                    }
                }
                assert_eq!(seen, expected, "{name}");
            }
            Err(error) => {
                let made = error.to_error("the refresh");
                assert_eq!(made.code(), case["code"], "{name}: {made}");
                assert_eq!(made.message(), case["message"], "{name}");
            }
        }
    }
}

#[test]
fn scope_vectors() {
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("../../../../tests/vectors/scope.json")).unwrap();
    assert!(cases.len() >= 10);
    for case in &cases {
        let separator = case["separator"].as_str().unwrap().chars().next().unwrap();
        let set = scopes(Some(case["wire"].clone()), separator);
        assert_eq!(serde_json::to_value(&set).unwrap(), case["scopes"], "{}", case["name"]);
        if let (Some(set), Some(sent)) = (set, case["sent"].as_str()) {
            assert_eq!(set.to_wire(separator), sent, "{}", case["name"]);
        }
    }
}

#[test]
fn a_token_that_is_bound_and_one_that_is_not_are_never_taken_for_each_other() {
    let parse = |named: &str, wanted| {
        let body = format!(r#"{{"access_token":"a","refresh_token":"r","token_type":{named}}}"#);
        parse_token_response(200, None, body.as_bytes(), ' ', &TokenDialect::default(), wanted)
    };
    assert_eq!(parse(r#""dpop""#, TokenType::Dpop).unwrap().token_type, "DPoP");
    for named in [r#""Bearer""#, r#""bearer""#, r#""""#, "null"] {
        let refused = parse(named, TokenType::Dpop).unwrap_err();
        assert_eq!(
            refused,
            TokenEndpointError::NotBound { refresh_token: Some(Secret::new("r")) },
            "{named}"
        );
        let error = refused.to_error("the refresh");
        assert_eq!((error.code(), error.retryable()), ("provider_rejected", false));
        assert!(error.help().contains("DPoP"));
        assert!(parse(named, TokenType::Bearer).is_ok(), "{named}");
    }
    let odd = [(r#""DPoP""#, TokenType::Bearer), (r#""mac""#, TokenType::Dpop), ("1", TokenType::Dpop)];
    for (named, wanted) in odd {
        let refused = parse(named, wanted).unwrap_err();
        assert!(matches!(refused, TokenEndpointError::Malformed { .. }), "{named}");
        assert_eq!(refused.refresh_token(), Some(&Secret::new("r")));
    }
}
