//! Id_tokens good and bad, most of them in `tests/vectors/id_token.json`.

use super::*;

fn encode(header: &Value, claims: &Value) -> Secret {
    let [header, claims] = [header, claims].map(|json| BASE64URL.encode(json.to_string()));
    Secret::new(format!("{header}.{claims}.c2ln"))
}

/// One valid token, and one member changed per case: `null` removes it.
#[test]
fn vectors() {
    let file: Value = serde_json::from_str(include_str!("../../../../tests/vectors/id_token.json")).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert!(cases.len() >= 40);
    for case in cases {
        let name = &case["name"];
        let changed = |base: &str, changes: &Value| {
            let mut members = file[base].clone();
            for (key, value) in changes.as_object().into_iter().flatten() {
                members[key] = value.clone();
            }
            members.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            members
        };
        let token = match case["raw"].as_str() {
            Some(raw) => Secret::new(raw),
            None => encode(&changed("header", &case["header"]), &changed("claims", &case["claims"])),
        };
        let expected = changed("expected", &case["expected"]);
        let outcome = parse_id_token(&token).and_then(|claims| {
            let text = |key: &str| expected[key].as_str();
            if let Some(original) = case.get("refreshed") {
                let text = |key: &str| original[key].as_str().or(file["original"][key].as_str()).unwrap();
                let (issuer, subject) = (text("issuer"), text("subject"));
                let tenant_id = original["tenant_id"].as_str();
                let original = OriginalIdentity { issuer, subject, tenant_id, client_id: text("client_id") };
                return check_refreshed(&claims, &original).map(|()| claims);
            }
            let now = Timestamp::from_unix(expected["now"].as_i64().unwrap());
            let client_id = text("client_id").unwrap();
            let (issuer, nonce) = (text("issuer"), text("nonce"));
            let only = text("tenant").map(|tenant| ExpectedTenant::Only(tenant.to_owned()));
            let any_but = || text("any_tenant_but").map(|tenant| ExpectedTenant::AnyBut(tenant.to_owned()));
            let tenant = only.or_else(any_but);
            let tenant = tenant.as_ref();
            let expected = ExpectedIdToken { issuer, tenant, client_id, nonce, now };
            check_id_token(&claims, &expected).map(|()| claims)
        });
        match outcome {
            Ok(claims) => {
                assert_eq!(case["outcome"], "accepted", "{name}");
                if let Some(username) = case["username"].as_str() {
                    assert_eq!(claims.preferred_username.as_deref(), Some(username), "{name}");
                }
            }
            Err(rejection) => assert_eq!(format!("{rejection:?}"), case["outcome"], "{name}"),
        }
    }
}

#[test]
fn client_info_names_the_account() {
    let json = r#"{"uid":"u1","utid":"t1","more":[1]}"#;
    let info = parse_client_info(&BASE64URL.encode(json)).unwrap();
    assert_eq!((info.uid.as_str(), info.utid.as_str()), ("u1", "t1"));
    assert_eq!(parse_client_info(BASE64URL.encode(json).trim_end_matches('=')), Some(info));
    for bad in
        [r#"["u","t"]"#, r#"{"uid":"u"}"#, r#"{"uid":"","utid":"t"}"#, "{\"uid\":\"a\\nb\",\"utid\":\"t\"}"]
    {
        assert_eq!(parse_client_info(&BASE64URL.encode(bad)), None, "{bad}");
    }
    assert_eq!(parse_client_info("%"), None);
}

/// Wycheproof's signatures are of texts that are no claims: none of them is an id_token. Nor is one whose form is broken
/// when its payload is replaced by good claims. That a signature is wrong is not seen here: the token comes from the
/// token endpoint itself (OIDC Core 3.1.3.7 item 6).
#[test]
fn no_malformed_token_of_wycheproof_is_taken_for_an_id_token() {
    let file: Value = serde_json::from_str(include_str!(
        "../../../../tests/vectors/wycheproof/json_web_signature_test.json"
    ))
    .unwrap();
    let claims =
        serde_json::json!({ "iss": "https://as.example", "sub": "s", "aud": "c", "exp": 1_900_000_000 });
    let claims = BASE64URL.encode(claims.to_string());
    let groups = file["testGroups"].as_array().unwrap();
    let tests = groups.iter().flat_map(|group| group["tests"].as_array().unwrap());
    let (mut read, mut broken) = (0, 0);
    for test in tests {
        let (jws, comment) = (test["jws"].as_str().unwrap(), test["comment"].as_str().unwrap());
        assert!(parse_id_token(&Secret::new(jws)).is_err(), "{test}");
        read += 1;
        let mut parts: Vec<&str> = jws.split('.').collect();
        if parts.len() > 1 {
            parts[1] = &claims;
        }
        let with_claims = parse_id_token(&Secret::new(parts.join(".")));
        let of_form = !test["flags"].to_string().contains("Modified");
        let names = |what: &[&str]| what.iter().any(|what| comment.contains(what));
        let is_broken = names(&["Missing", "Extra", "Empty", "None", "Header", "JsonSerialization"])
            && !names(&["MissingPayload", "ModifiedHeader", "InJsonHeader"]);
        if is_broken && of_form {
            assert!(with_claims.is_err(), "{test}");
            broken += 1;
        }
    }
    assert_eq!((read, broken), (401, 32));
}
