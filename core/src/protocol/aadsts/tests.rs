use super::*;
use crate::error::LoginReason;

fn error(kind: ErrorKind, codes: &[u64], description: Option<&str>) -> Error {
    Error::new(kind, "refused").with_server(ServerError {
        error_codes: codes.to_vec(),
        description: description.map(str::to_owned),
        ..ServerError::default()
    })
}

fn help(code: u64, kind: ErrorKind, flow: Option<&str>) -> String {
    let login = LoginCommand::to("acme").with("--connection", "work");
    advised(error(kind, &[code], None), &login, flow).help().to_owned()
}

const ENDED: ErrorKind = ErrorKind::LoginRequired { reason: LoginReason::GrantEnded };

#[test]
fn every_row_is_whole() {
    let table: HashMap<String, Row> = toml::from_str(include_str!("../aadsts.toml")).unwrap();
    assert_eq!(table.len(), 146);
    for (code, row) in &table {
        let number: u64 = code.parse().unwrap();
        assert_eq!(number.to_string(), *code);
        assert_eq!(find(number), Some(row));
        assert!(!row.name.is_empty(), "{code}");
        for sentence in [&row.meaning, &row.remedy] {
            let one = sentence.ends_with('.') && !sentence.trim_end_matches('.').contains(". ");
            assert!(one && sentence.starts_with(|c: char| c.is_uppercase()), "{code}: {sentence}");
        }
        let options =
            row.command.as_deref().and_then(|command| command.strip_prefix("tokenkeep login microsoft"));
        let words: Vec<&str> = options.unwrap_or_default().split_whitespace().collect();
        // What `with_options` reads: each option has a value.
        assert!(words.chunks(2).all(|option| option.len() == 2 && option[0].starts_with("--")), "{code}");
    }
}

#[test]
fn codes_are_found_in_whatever_is_pasted() {
    let json = r#"{"error":"invalid_grant","error_description":"AADSTS50076: no. Trace ID: 65001","error_codes":[50076, 50079]}"#;
    let cases: [(&str, &[u64]); 14] = [
        ("AADSTS65001", &[65001]),
        ("65001", &[65001]),
        (" aadsts65001\n", &[65001]),
        ("65001, AADSTS53003 65001", &[65001, 53003]),
        ("AADSTS65001: no consent. AADSTS50076 as well, AADSTS65001", &[65001, 50076]),
        (json, &[50076, 50079]),
        (r#"{\"error_codes\":[65001],\"port\":53003}"#, &[65001]),
        ("{\"error_codes\": [\n  65001\n]}", &[65001]),
        ("error_codes: 65001", &[65001]),
        (r#""error_codes":["65001"] 53003"#, &[65001]),
        ("connection refused on port 65001", &[]),
        ("Trace ID: 50076", &[]),
        ("AADSTS: é AADSTS99999999999999999999999", &[]),
        ("", &[]),
    ];
    for (text, codes) in cases {
        assert_eq!(codes_in(text), codes, "{text}");
    }
}

#[test]
fn the_help_has_the_remedy_and_one_command_of_this_connection() {
    let mfa = find(50076).unwrap();
    assert_eq!(
        help(50076, ENDED, None),
        format!("the user must act: {}\n`tokenkeep login acme --connection work`", mfa.remedy)
    );
    let disabled = find(50057).unwrap();
    let advice = format!("an administrator of the tenant must act: {}", disabled.remedy);
    assert_eq!(
        help(50057, ENDED, None),
        format!("{advice}\nthen log in again: `tokenkeep login acme --connection work`")
    );
    assert_eq!(help(50057, ErrorKind::ProviderRejected, None), advice);
    let consent = help(90094, ErrorKind::ConsentRequired, None);
    assert!(
        consent.ends_with(
            "\n`tokenkeep admin-consent acme --tenant TENANT`, then `tokenkeep login acme --connection work`"
        ),
        "{consent}"
    );
}

#[test]
fn a_new_secret_goes_where_the_old_one_is() {
    let last = |login: &LoginCommand| {
        let help = find(7_000_222).unwrap().help(login, None, false);
        help.lines().last().unwrap().to_owned()
    };
    let login = LoginCommand::to("acme").with("--connection", "work");
    assert_eq!(last(&login), "`tokenkeep client set acme --client-id ID --client-secret-stdin`");
    let application = login.with("--flow", "client-credentials");
    assert_eq!(last(&application), format!("`{application} --client-secret-stdin`"));
}

#[test]
fn another_flow_is_suggested_than_the_one_that_failed() {
    let last =
        |code, flow| help(code, ErrorKind::AccessDenied, Some(flow)).lines().last().unwrap().to_owned();
    let plain = "`tokenkeep login acme --connection work`";
    let (browser, device) =
        (plain.replace("work", "work --flow pkce"), plain.replace("work", "work --flow device-code"));
    for code in [50005, 50097, 50131, 50134, 53000, 53001, 53003, 530_032, 530_035] {
        assert_eq!(last(code, "device-code"), browser, "{code}");
        assert_eq!(last(code, "pkce"), plain, "{code}");
    }
    for code in [50011, 500_113] {
        assert_eq!(last(code, "pkce"), device, "{code}");
    }
    assert_eq!(last(53003, "client-credentials"), plain);
    // The flow that was asked for gives way, but to no person where an application logs in.
    let app = LoginCommand::to("acme").with("--flow", "client-credentials");
    let said = advised(error(ErrorKind::ProviderRejected, &[53003], None), &app, None);
    assert!(said.help().ends_with(&format!("`{app}`")), "{}", said.help());
    let login = LoginCommand::to("acme").with("--flow", "device-code");
    let said = advised(error(ErrorKind::AccessDenied, &[53003], None), &login, Some("device-code"));
    assert!(said.help().ends_with("`tokenkeep login acme --flow pkce`"), "{}", said.help());
}

#[test]
fn the_first_known_code_is_explained() {
    let login = LoginCommand::to("microsoft");
    let said = |codes: &[u64], description| {
        let before = error(ENDED, codes, description).with_help("as before");
        advised(before, &login, None).help().to_owned()
    };
    assert!(said(&[1, 50057, 50076], None).contains(&find(50057).unwrap().remedy));
    assert!(said(&[1], Some("AADSTS50076: no")).contains(&find(50076).unwrap().remedy));
    assert!(said(&[50057], Some("AADSTS50076: no")).contains(&find(50057).unwrap().remedy));
    assert_eq!(said(&[1], Some("AADSTS2: no")), "as before");
    assert_eq!(advised(Error::new(ENDED, "x"), &login, None), Error::new(ENDED, "x"));
}

/// Whatever code an error carries, its help alone differs.
#[test]
fn a_code_changes_nothing_but_the_help() {
    let login = LoginCommand::to("microsoft");
    for code in TABLE.keys() {
        for kind in [
            ENDED,
            ErrorKind::AccessDenied,
            ErrorKind::Network,
            ErrorKind::InteractionRequired { claims: None },
        ] {
            let before = error(kind, &[code.parse().unwrap()], None).with_help("as before");
            let after = advised(before.clone(), &login, Some("pkce"));
            assert_ne!(after.help(), "as before", "{code}");
            assert_eq!(after.with_help("as before"), before, "{code}");
        }
    }
}
