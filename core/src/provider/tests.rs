//! The bundled definitions, and the vectors of `tests/vectors/provider`: each file a case.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::names::ProviderName;

fn vectors(kind: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/provider").join(kind);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let all: Vec<_> = files.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect();
    assert!(!all.is_empty());
    all
}

#[test]
fn good_files_are_read() {
    for (path, text) in vectors("good") {
        ProviderDefinition::parse("good.toml", &text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

#[test]
fn a_bad_file_is_one_line_with_the_place_the_member_and_what_was_expected() {
    let mut wrong = Vec::new();
    for (path, text) in vectors("bad") {
        let expected = text.lines().next().and_then(|line| line.strip_prefix("# expect: ")).unwrap();
        let error = ProviderDefinition::parse("bad.toml", &text).unwrap_err();
        assert_eq!(error.code(), "config_invalid", "{}", path.display());
        assert!(!error.help().is_empty(), "{}", path.display());
        if error.message() != expected {
            wrong.push(format!("{}\n  found    {}\n  expected {expected}", path.display(), error.message()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_bundled_definition_is_good_and_named_as_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::new(folder.path().join("providers"));
    let names = catalog.names().unwrap();
    assert_eq!(
        names.len(),
        fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("providers")).unwrap().count()
    );
    for name in names {
        let entry = catalog.find(&name).unwrap();
        assert_eq!(entry.origin, DefinitionOrigin::Bundled);
        assert!(entry.definition.client.registration_steps.contains("{redirect_uri}"), "{name}");
    }
}

#[test]
fn the_users_own_file_wins_and_can_be_removed() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::new(folder.path().join("providers"));
    let github: ProviderName = "github".parse().unwrap();
    let own = catalog
        .find(&github)
        .unwrap()
        .text
        .replace("https://github.com/login", "https://github.example/login");
    let file = folder.path().join("anything.toml");
    fs::write(&file, own).unwrap();

    assert!(matches!(catalog.add(&file).unwrap().origin, DefinitionOrigin::User(_)));
    let found =
        endpoints::from_definition(&catalog.find(&github).unwrap().definition, None, &Values::new()).unwrap();
    assert_eq!(found.token.as_str(), "https://github.example/login/oauth/access_token");
    assert!(catalog.remove(&github).unwrap() && !catalog.remove(&github).unwrap());
    assert_eq!(catalog.find(&github).unwrap().origin, DefinitionOrigin::Bundled);
}

#[test]
fn a_broken_file_harms_only_its_own_provider() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::new(folder.path().to_owned());
    fs::write(folder.path().join("broken.toml"), "schema = 1\nname = \"broken\"\nnonsense").unwrap();
    fs::create_dir(folder.path().join("github.toml")).unwrap();
    let error = catalog.find(&"broken".parse().unwrap()).unwrap_err();
    assert!(error.message().contains("broken.toml:3"), "{error}");
    assert_eq!(catalog.find(&"github".parse().unwrap()).unwrap_err().code(), "config_invalid");
    assert!(catalog.find(&"microsoft".parse().unwrap()).is_ok());
    assert_eq!(catalog.find(&"nobody".parse().unwrap()).unwrap_err().code(), "unknown_provider");
}

#[test]
fn microsofts_endpoints_follow_tenant_and_cloud() {
    let folder = tempfile::tempdir().unwrap();
    let definition =
        Catalog::new(folder.path().to_owned()).find(&"microsoft".parse().unwrap()).unwrap().definition;
    let authority = definition.authority.clone().unwrap();
    let cases = [
        (None, None, "https://login.microsoftonline.com/common/oauth2/v2.0/token"),
        (Some("contoso.com"), None, "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token"),
        (
            Some("organizations"),
            Some("us-government"),
            "https://login.microsoftonline.us/organizations/oauth2/v2.0/token",
        ),
    ];
    for (tenant, cloud, expected) in cases {
        let authority = Authority::resolve(&authority, tenant, cloud).unwrap();
        let endpoints = endpoints::from_definition(&definition, Some(&authority), &Values::new()).unwrap();
        assert_eq!(endpoints.token.as_str(), expected);
        assert!(endpoints.issuer.as_deref().unwrap().ends_with("/{tenantid}/v2.0"));
        assert!(endpoints.exact_issuer().is_none() && endpoints.revocation.is_none());
    }
    assert_eq!(Authority::resolve(&authority, None, Some("moon")).unwrap_err().code(), "config_invalid");
}
