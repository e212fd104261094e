//! Whose grant it is: tenants, guests, and who may take an account's place.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokenkeep_behaviour::{Stage, fails};

/// The work tenant of whoever signs in at `common`, and another.
const HOME: &str = "7f2c2d4e-5c3b-4a1f-9d0e-1b2a3c4d5e6f";
const OTHER: &str = "11111111-2222-4333-8444-555555555555";
/// The tenant of personal accounts.
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// An answer about an account of `tenant`, in all that the id_token says of it.
fn of_tenant(stage: &Stage, tenant: &str) -> Value {
    let issuer = format!("{}/{tenant}/v2.0", stage.server.origin());
    json!({"type": "mutate", "id_token": {"set": {"iss": issuer, "tid": tenant}}})
}

#[test]
fn account_is_known_by_oid_and_tid() {
    let stage = Stage::microsoft();
    stage.login(&["--login-hint", "anna@contoso.example"]).ok();
    let oid = stage.field("object_id", &[]);
    assert_eq!((stage.field("tenant_id", &[]).as_str(), stage.field("guest", &[]).as_str()), (HOME, "false"));
    assert_eq!(stage.field("home_account_id", &[]), format!("{oid}.{HOME}"));

    // She has another name and another mailbox now, and is who she was.
    let renamed = json!({"preferred_username": "anna@fabrikam.example", "name": "A", "sub": "another"});
    stage.at_redemption(1, &json!({"type": "mutate", "id_token": {"set": renamed}}));
    stage.login(&["--add-scopes", "Mail.Read"]).ok();
    assert_eq!(stage.field("username", &[]), "anna@fabrikam.example");
    // Somebody else has her name now, or the same id in another tenant.
    let kept = stage.records();
    let other_person = json!({"type": "mutate", "id_token": {"set": {"oid": OTHER}}});
    for other in [other_person, of_tenant(&stage, OTHER)] {
        stage.at_redemption(1, &other);
        let run =
            stage.login(&["--json", "--add-scopes", "Mail.Send", "--login-hint", "anna@contoso.example"]);
        fails(&run, "provider_rejected");
        assert_eq!(stage.records(), kept, "{other}");
    }

    // A guest: the tenant that signs them in is not their home. They are another account there.
    let home = json!({"uid": oid, "utid": HOME}).to_string();
    let mut guest = of_tenant(&stage, OTHER);
    guest["set"] = json!({"client_info": URL_SAFE_NO_PAD.encode(home)});
    guest["id_token"]["set"]["oid"] = json!(PERSONAL.replace('9', "8"));
    stage.at_redemption(1, &guest);
    let at_other = ["--connection", "guest", "--tenant", OTHER];
    stage.login(&at_other).ok();
    let field = |name: &str| stage.field(name, &at_other[..2]);
    assert_eq!((field("guest").as_str(), field("tenant_id").as_str()), ("true", OTHER));
    assert_eq!(field("home_account_id"), format!("{oid}.{HOME}"));
    assert_ne!(field("object_id"), oid);
}

#[test]
fn tenants_are_told_apart() {
    let stage = Stage::microsoft();
    // What each authority signs in, and what it does not, however well the answer fits together.
    for (authority, good, bad) in [
        ("consumers", PERSONAL, HOME),
        ("organizations", HOME, PERSONAL),
        (OTHER, OTHER, HOME),
        (PERSONAL, PERSONAL, OTHER),
    ] {
        let before = stage.records();
        stage.at_redemption(1, &of_tenant(&stage, bad));
        let failure = fails(&stage.login(&["--json", "--tenant", authority]), "provider_rejected");
        assert!(failure.message().contains("tenant"), "{authority}: {failure:?}");
        assert!(failure.help().contains("--tenant"), "{authority}: {failure:?}");
        assert_eq!(stage.records(), before, "{authority}");
        stage.login(&["--tenant", authority, "--connection", authority]).ok();
        assert_eq!(stage.field("tenant_id", &["--connection", authority]), good);
    }
    // `common` is for all of them.
    stage.at_redemption(1, &of_tenant(&stage, PERSONAL));
    stage.login(&["--tenant", "common"]).ok();

    // Two organizations by their domains, whose GUIDs their metadata tells: neither answers for the other.
    let domains = ["contoso.example", "fabrikam.example"];
    let tenants = domains.map(|domain| {
        stage.login(&["--tenant", domain, "--connection", domain]).ok();
        stage.field("tenant_id", &["--connection", domain])
    });
    assert_ne!(tenants[0], tenants[1]);
    for (domain, swapped) in domains.iter().zip([&tenants[1], &tenants[0]]) {
        let kept = stage.records();
        stage.at_redemption(1, &of_tenant(&stage, swapped));
        fails(&stage.login(&["--json", "--tenant", domain, "--connection", domain]), "provider_rejected");
        assert_eq!(stage.records(), kept);
        // Nor in a refresh.
        let token = stage.access_token(&["--connection", domain]);
        stage.at_refresh(1, &of_tenant(&stage, swapped));
        fails(&stage.token(&["--json", "--force-refresh", "--connection", domain]), "provider_rejected");
        assert_eq!(stage.access_token(&["--connection", domain]), token);
    }

    // A domain that is nobody's is said before anybody is asked; metadata of a stranger is not believed.
    let asked = |grant: &str| stage.asked(grant).len();
    let before = asked("authorization_code");
    let metadata = |code: &str, status: u16, body: Value| {
        let action = json!({"type": "reply", "status": status, "body": body.to_string()});
        stage.fault(json!({"endpoint": "metadata", "action": action}));
        let run = stage.login(&["--json", "--tenant", "nobody.example", "--connection", "new"]);
        fails(&run, code)
    };
    let unknown = json!({"error": "invalid_tenant", "error_description": "AADSTS90002: Tenant not found."});
    assert!(metadata("config_invalid", 400, unknown).message().contains("nobody.example"));
    let stranger = json!({"issuer": format!("https://evil.example/{OTHER}/v2.0")});
    metadata("provider_rejected", 200, stranger);
    metadata("network", 503, json!({}));
    assert_eq!(asked("authorization_code"), before);
}
