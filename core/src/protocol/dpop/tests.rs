use super::*;
use proptest::prelude::*;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

fn part(text: &str) -> Value {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

/// Header and claims of a proof whose signature is that of `key`.
fn read(key: &DpopKey, proof: &Secret) -> (Value, Value) {
    let (signed, signature) = proof.expose().rsplit_once('.').unwrap();
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.pair.public_key().as_ref());
    public.verify(signed.as_bytes(), &BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    (part(header), part(claims))
}

#[test]
fn vectors() {
    let file: Value = serde_json::from_str(include_str!("../../../../tests/vectors/dpop.json")).unwrap();
    for case in file["thumbprints"].as_array().unwrap() {
        assert_eq!(thumbprint(&case["jwk"]), case["jkt"], "{}", case["name"]);
    }
    for case in file["hashes"].as_array().unwrap() {
        let token = Secret::new(case["access_token"].as_str().unwrap());
        assert_eq!(token_hash(&token), case["ath"], "{}", case["name"]);
    }
    for case in file["nonces"].as_array().unwrap() {
        assert_eq!(is_nonce(case["nonce"].as_str().unwrap()), case["good"], "{}", case["name"]);
    }
    assert!(is_nonce(&"a".repeat(MAX_NONCE)) && !is_nonce(&"a".repeat(MAX_NONCE + 1)));
}

#[test]
fn a_proof_is_of_one_request_and_of_one_key() {
    let key = DpopKey::generate().unwrap();
    let url = Url::parse("https://api.example/tokens?secret=1#top").unwrap();
    let token = Secret::new("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
    let now = Timestamp::from_unix(1_800_000_000);
    let bare = DpopProof { method: "POST", url: &url, access_token: None, nonce: None, now, jti: [7; 16] };
    let (header, claims) = read(&key, &key.proof(&bare).unwrap());
    assert_eq!(header, json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk() }));
    let expected = json!({
        "jti": "BwcHBwcHBwcHBwcHBwcHBw", "htm": "POST", "htu": "https://api.example/tokens", "iat": 1_800_000_000,
    });
    assert_eq!(claims, expected);
    let whole = DpopProof { access_token: Some(&token), nonce: Some("n"), ..bare };
    let (_, claims) = read(&key, &key.proof(&whole).unwrap());
    assert_eq!(
        (&claims["ath"], &claims["nonce"]),
        (&json!("fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"), &json!("n"))
    );
}

#[test]
fn a_key_is_read_as_it_was_kept() {
    let key = DpopKey::generate().unwrap();
    assert_eq!(DpopKey::read(key.pkcs8()).unwrap().thumbprint(), key.thumbprint());
    assert_ne!(DpopKey::generate().unwrap().thumbprint(), key.thumbprint());
    assert_eq!(format!("{key:?}"), "DpopKey");
    for damaged in ["", "no base64!", "AAAA", &key.pkcs8().expose()[..40]] {
        let error = DpopKey::read(&Secret::new(damaged)).unwrap_err();
        assert_eq!(error.code(), "store_corrupt");
        assert!(damaged.is_empty() || !error.to_string().contains(damaged));
    }
}

#[test]
fn only_an_answer_with_a_nonce_asks_for_one() {
    let answer = |status: u16, body: &str, nonces: &[&str]| {
        let mut response = Response::builder().status(status);
        for nonce in nonces {
            response = response.header(DPOP_NONCE, *nonce);
        }
        wants_dpop_nonce(Some("application/json"), &response.body(body.as_bytes().to_vec()).unwrap())
    };
    let demand = r#"{"error":"use_dpop_nonce"}"#;
    assert!(answer(400, demand, &["n"]) && answer(401, demand, &["n"]));
    assert!(!answer(200, demand, &["n"]) && !answer(500, demand, &["n"]));
    assert!(!answer(400, demand, &[]) && !answer(400, demand, &["n", "m"]) && !answer(400, demand, &["a b"]));
    assert!(!answer(400, r#"{"error":"invalid_grant"}"#, &["n"]) && !answer(400, "<html>", &["n"]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever it is asked for, a proof says what it is for and nothing of the private key.
    #[test]
    fn no_proof_holds_a_private_member(
        method in "[A-Z]{1,8}",
        path in "/[a-z0-9/%?#=&.]{0,40}",
        token in prop::option::of("[!-~]{1,60}"),
        nonce in prop::option::of("[a-z0-9]{1,20}"),
        jti in any::<[u8; 16]>(),
    ) {
        let key = DpopKey::generate().unwrap();
        let url = Url::parse(&format!("https://api.example{path}")).unwrap();
        let token = token.map(Secret::new);
        let now = Timestamp::from_unix(1_800_000_000);
        let proof = DpopProof {
            method: &method, url: &url, access_token: token.as_ref(), nonce: nonce.as_deref(), now, jti,
        };
        let proof = key.proof(&proof).unwrap();
        let (header, claims) = read(&key, &proof);
        let members: Vec<_> = header["jwk"].as_object().unwrap().keys().map(String::as_str).collect();
        prop_assert_eq!(members, ["crv", "kty", "x", "y"]);
        // Not in other words either: the private number is 32 bytes of the PKCS#8, after a header of 36.
        let pkcs8 = BASE64_STANDARD.decode(key.pkcs8().expose()).unwrap();
        let private = BASE64_URL_SAFE_NO_PAD.encode(&pkcs8[36..68]);
        prop_assert!(![&header, &claims].iter().any(|part| part.to_string().contains(&private)));
        let htu = claims["htu"].as_str().unwrap();
        prop_assert!(!htu.contains(['?', '#']) && url.as_str().starts_with(htu));
    }
}
