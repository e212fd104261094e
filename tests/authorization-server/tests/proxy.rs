//! Further names, and the proxy that leads to them: the server stands in for a part of the internet.

#![allow(clippy::unwrap_used, reason = "what fails here is a test that fails")]

mod common;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use authorization_server::{AuthorizationServer, Decision, HttpClient, ServerOptions, StandInPerson};
use common::{CHALLENGE, GUID, Tester};
use serde_json::Value;
use url::Url;

const LOGIN: &str = "login.microsoftonline.com";
const GRAPH: &str = "graph.microsoft.com";

fn internet(directory: &tempfile::TempDir) -> ServerOptions {
    ServerOptions {
        tls_directory: Some(directory.path().to_owned()),
        tls_names: vec![LOGIN.into(), GRAPH.into()],
        proxy: true,
        ..ServerOptions::entra()
    }
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[tokio::test]
async fn the_server_speaks_of_itself_by_the_name_that_it_was_asked_by() {
    let directory = tempfile::tempdir().unwrap();
    let tester = Tester::new(internet(&directory));
    let proxy = tester.server.proxy().unwrap();
    let outside = tester.http.clone().through(Some(url(&proxy.url())));
    for (origin, client) in [
        ("https://login.microsoftonline.com", &outside),
        ("https://graph.microsoft.com", &outside),
        (tester.server.origin(), &tester.http),
    ] {
        let metadata = url(&format!("{origin}/common/v2.0/.well-known/openid-configuration"));
        let metadata = client.get(&metadata).await.unwrap().json();
        assert_eq!(metadata["token_endpoint"], format!("{origin}/common/oauth2/v2.0/token"));
        assert_eq!(metadata["issuer"], format!("{origin}/{{tenantid}}/v2.0"));
    }
    let asked: Vec<_> = proxy.asked().iter().map(|asked| asked.target().unwrap().to_owned()).collect();
    assert_eq!(asked, ["login.microsoftonline.com:443", "graph.microsoft.com:443"]);
    let hosts: Vec<_> =
        tester.server.journal().entries().into_iter().filter_map(|entry| entry.host).collect();
    assert_eq!(hosts[..2], [LOGIN, GRAPH]);

    // What test programs in other languages read.
    let journal = tester.get("/_control/journal").await.json();
    assert_eq!(journal["tunnels"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_proxy_leads_to_these_names_and_nowhere_else() {
    let directory = tempfile::tempdir().unwrap();
    let tester = Tester::new(internet(&directory));
    let proxy = url(&tester.server.proxy().unwrap().url());
    let outside = tester.http.clone().through(Some(proxy.clone()));
    for elsewhere in ["https://example.com/", "https://graph.microsoft.com:8443/", "https://127.0.0.1/"] {
        let refused = outside.get(&url(elsewhere)).await.unwrap_err().to_string();
        assert!(refused.contains("403 Forbidden"), "{elsewhere}: {refused}");
    }
    // Not a proxy for plain http, and no server either.
    assert_eq!(outside.get(&proxy).await.unwrap().status, 501);
    assert!(tester.server.journal().entries().is_empty());
    assert_eq!(tester.server.proxy().unwrap().asked().len(), 4);

    // A name that the certificate lacks is not believed, proxy or not.
    let other = HttpClient::new(tester.server.ca_certificate()).unwrap();
    let address = format!("https://127.0.0.2:{}/", tester.server.port());
    assert!(other.get(&url(&address)).await.is_err());
}

#[tokio::test]
async fn the_stand_in_person_goes_through_the_proxy_but_not_to_this_machine() {
    let directory = tempfile::tempdir().unwrap();
    let tester = Tester::new(internet(&directory));
    let person = StandInPerson::new(Decision::Approve, tester.server.ca_certificate()).unwrap();
    let person = person.through(Some(url(&tester.server.proxy().unwrap().url())));
    let back = AuthorizationServer::start(ServerOptions::plain()).unwrap();
    let mut page = url("https://login.microsoftonline.com/common/oauth2/v2.0/authorize");
    page.query_pairs_mut().extend_pairs([
        ("client_id", GUID),
        ("response_type", "code"),
        ("redirect_uri", &format!("http://localhost:{}/callback", back.port())),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    // The redirect's own listener knows no such page: it was reached.
    assert_eq!(person.visit(&page).await.unwrap().status, 404);
    assert_eq!(back.journal().entries()[0].path, "/callback");
    assert_eq!(tester.server.proxy().unwrap().asked().len(), 1);
}

#[test]
fn names_and_proxy_want_https() {
    let directory = tempfile::tempdir().unwrap();
    let plain = ServerOptions { tls_directory: None, ..internet(&directory) };
    let refused = AuthorizationServer::start(plain).err().unwrap().to_string();
    assert!(refused.contains("https"), "{refused}");
}

#[tokio::test]
async fn the_program_says_where_its_proxy_is() {
    let directory = tempfile::tempdir().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_authorization-server"))
        .args(["--until-stdin-closes", "--proxy", "--tls-name", GRAPH, "--tls-directory"])
        .arg(directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let client = HttpClient::new(Some(&directory.path().join("ca.pem"))).unwrap();
    let client = client.through(Some(url(ready["proxy"].as_str().unwrap())));
    let answer = client.get(&url("https://graph.microsoft.com/_control/journal")).await.unwrap();
    assert_eq!(answer.json()["tunnels"], serde_json::json!(["graph.microsoft.com:443"]));
    drop(program.stdin.take());
    assert!(program.wait().unwrap().success());
}
