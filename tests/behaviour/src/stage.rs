//! A scripted server, a store whose provider points at it, and the command line between them.

use std::path::Path;
use std::time::{Duration, Instant};

use authorization_server::{
    AuthorizationServer, Dpop, Entry, LiveOptions, RegisteredClient, Running, ServerOptions,
};
use serde_json::{Value, json};
use tokenkeep::{Broker, BrokerOptions, Environment, KeySource};
use tokenkeep_test_support::{Home, Run, files_below, request, root};
use url::Url;

use crate::person;
use crate::under_way::UnderWay;

/// A client id that Entra takes: any GUID is one.
pub const CLIENT_ID: &str = "5f1ad2a6-3c44-4d6c-9d0b-7f6f2a1e9c55";

/// A server, a store, and a provider between them.
pub struct Stage {
    /// The store, and the environment of the command line.
    pub home: Home,
    /// The server.
    pub server: Running,
    /// The provider's name.
    pub provider: &'static str,
    /// What a first login has to name besides.
    named: Vec<String>,
}

impl Stage {
    /// Microsoft: the bundled definition with this server as its cloud.
    pub fn microsoft() -> Self {
        let stage = Stage::new("microsoft", ServerOptions::entra(), &["--client-id", CLIENT_ID]);
        stage.home.add_provider(&stage.microsoft_definition());
        stage
    }

    /// Microsoft by the names of its own hosts: the bundled definition, through a proxy of the environment, vouched
    /// for by an authority of the environment.
    pub fn internet() -> Self {
        Stage::internet_of(Vec::new())
    }

    /// The same with these registrations; without any, each GUID is a public client.
    pub fn internet_of(clients: Vec<RegisteredClient>) -> Self {
        let home = Home::new().without("TOKENKEEP_INSECURE_LOOPBACK");
        let options = ServerOptions {
            tls_directory: Some(home.path().join("authority")),
            tls_names: ["login.microsoftonline.com", "graph.microsoft.com"].map(str::to_owned).to_vec(),
            proxy: true,
            clients,
            ..ServerOptions::entra()
        };
        let stage = Stage::new("microsoft", options, &["--client-id", CLIENT_ID]);
        let proxy = stage.server.proxy().expect("one was asked for").url();
        let authority = stage.server.ca_certificate().and_then(Path::to_str).expect("a plain path");
        // Whom to believe has a name of its own in requests and in Node.
        let trust = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"];
        let home = trust.into_iter().fold(home, |home, name| home.with(name, authority));
        Stage { home: home.with("HTTPS_PROXY", proxy), ..stage }
    }

    /// Any server with published metadata, through `--issuer`.
    pub fn oidc() -> Self {
        let mut stage = Stage::new("oidc", ServerOptions::plain(), &["--client-id", "public"]);
        stage.named.extend(["--issuer".to_owned(), stage.server.issuer()]);
        stage
    }

    /// An MCP server that a client finds the rest through: its metadata name the server, where a client registers itself
    /// and binds its tokens to a key if it likes.
    pub fn mcp() -> Self {
        let mut options = ServerOptions::plain();
        options.live.registration.enabled = true;
        options.live.dpop.mode = Dpop::On;
        let mut stage = Stage::new("mcp", options, &[]);
        stage.named.extend(["--resource".to_owned(), stage.resource_url()]);
        stage
    }

    /// The same where nothing can be registered by program: a client that the person has registered.
    pub fn mcp_by_hand() -> Self {
        let mut stage = Stage::new("mcp", ServerOptions::plain(), &["--client-id", "public"]);
        stage.named.extend(["--resource".to_owned(), stage.resource_url()]);
        stage
    }

    /// A provider file of the user's own, for a strict server that rotates and detects reuse.
    pub fn acme() -> Self {
        let stage = Stage::new("acme", ServerOptions::plain(), &[]);
        stage.home.add_provider(&stage.acme_definition());
        stage
    }

    /// The same with a server of your own making.
    pub fn new(provider: &'static str, options: ServerOptions, named: &[&str]) -> Self {
        let server = AuthorizationServer::start(options).expect("a port is free");
        let named = named.iter().map(|argument| (*argument).to_owned()).collect();
        Stage { home: Home::new(), server, provider, named }
    }

    /// The bundled file of Microsoft with this server in the place of the global cloud.
    pub fn microsoft_definition(&self) -> String {
        let bundled = std::fs::read_to_string(root().join("core/providers/microsoft.toml"));
        let bundled = bundled.expect("the definition is there");
        let global = "global = \"https://login.microsoftonline.com\"";
        assert!(bundled.contains(global), "{bundled}");
        bundled.replace(global, &format!("global = \"{}\"", self.server.origin()))
    }

    /// The file of `acme`.
    pub fn acme_definition(&self) -> String {
        let origin = self.server.origin();
        format!(
            "schema = 1\nname = \"acme\"\ndisplay_name = \"Acme\"\naccess_token_variable = \"ACME_ACCESS_TOKEN\"\n\
             [endpoints]\nauthorization = \"{origin}/authorize\"\ntoken = \"{origin}/token\"\n\
             device_authorization = \"{origin}/device_authorization\"\nrevocation = \"{origin}/revoke\"\n\
             issuer = \"{origin}\"\n[client]\nid = \"public\"\n[scopes]\ndefault = [\"read\", \"write\"]\n\
             always = [\"offline_access\"]\n"
        )
    }

    /// The arguments of a login, up to the way to the person.
    pub fn login_arguments(&self, more: &[&str]) -> Vec<String> {
        let start = ["login", self.provider].map(str::to_owned);
        // What a test names itself is not named twice.
        let named = self.named.chunks(2).filter(|pair| !more.contains(&pair[0].as_str())).flatten().cloned();
        start.into_iter().chain(named).chain(more.iter().map(|argument| (*argument).to_owned())).collect()
    }

    /// Logs in with the browser, to the end.
    #[track_caller]
    pub fn login(&self, more: &[&str]) -> Run {
        let mut arguments = self.login_arguments(more);
        if !more.contains(&"--browser") {
            arguments.extend(["--browser".to_owned(), person::browser()]);
        }
        self.home.run(arguments)
    }

    /// Begins a login whose URL the test opens.
    #[track_caller]
    pub fn begin_login(&self, more: &[&str]) -> UnderWay {
        let mut arguments = self.login_arguments(more);
        if !["--paste", "--browser"].iter().any(|way| more.contains(way)) {
            arguments.push("--no-browser".to_owned());
        }
        UnderWay::wait(self.home.start(arguments))
    }

    /// Logs in, and leaves a token that has expired already; the next ones live for an hour.
    #[track_caller]
    pub fn login_expired(&self, more: &[&str]) {
        self.change(|live| live.access_token_lifetime = 0);
        self.login(more).ok();
        self.change(|live| live.access_token_lifetime = 3600);
    }

    /// `tokenkeep token PROVIDER ...`.
    #[track_caller]
    pub fn token(&self, more: &[&str]) -> Run {
        self.home.run(["token", self.provider].iter().chain(more))
    }

    /// The token itself.
    #[track_caller]
    pub fn access_token(&self, more: &[&str]) -> String {
        self.token(more).ok().stdout.trim_end().to_owned()
    }

    /// `tokenkeep get PROVIDER --field FIELD ...`.
    #[track_caller]
    pub fn field(&self, field: &str, more: &[&str]) -> String {
        let arguments = ["get", self.provider, "--field", field];
        self.home.run(arguments.iter().chain(more)).ok().stdout.trim_end().to_owned()
    }

    /// Changes the server's options from the next request on.
    pub fn change(&self, change: impl FnOnce(&mut LiveOptions)) {
        let mut live = self.server.options();
        change(&mut live);
        self.server.set_options(live);
    }

    /// The same home with this much more or less in the environment of the command line.
    pub fn change_environment(&mut self, change: impl FnOnce(Home) -> Home) {
        self.home = change(std::mem::take(&mut self.home));
    }

    /// The next `times` refreshes meet this fault.
    #[track_caller]
    pub fn at_refresh(&self, times: u32, action: &Value) {
        self.at_token_endpoint("refresh_token", times, action);
    }

    /// The next `times` codes that are redeemed meet this fault.
    #[track_caller]
    pub fn at_redemption(&self, times: u32, action: &Value) {
        self.at_token_endpoint("authorization_code", times, action);
    }

    /// A fault, as a script has it.
    #[track_caller]
    pub fn fault(&self, fault: Value) {
        self.server.push_fault(serde_json::from_value(fault).expect("a fault of the server's form"));
    }

    #[track_caller]
    fn at_token_endpoint(&self, grant_type: &str, times: u32, action: &Value) {
        let fault = json!({"endpoint": "token", "grant_type": grant_type, "times": times, "action": action});
        self.fault(fault);
    }

    /// Waits until the one fault that was pushed has met its request, which is then being answered.
    #[track_caller]
    pub fn until_a_fault_struck(&self) {
        until(|| request(self.server.port(), "GET", "/_control/faults", "").1 == "[]");
    }

    /// What the server was asked with this grant type.
    pub fn asked(&self, grant_type: &str) -> Vec<Entry> {
        let entries = self.server.journal().entries().into_iter();
        entries.filter(|entry| entry.grant_type.as_deref() == Some(grant_type)).collect()
    }

    /// The refreshes that the server was asked for.
    pub fn refreshes(&self) -> Vec<Entry> {
        self.asked("refresh_token")
    }

    /// A broker of the library in the same store, which finds nothing in the environment.
    pub fn broker(&self) -> Broker {
        let options = BrokerOptions {
            home: Some(self.home.store()),
            key_source: Some(KeySource::File),
            insecure_loopback: true,
            environment: Environment::of::<&str, &str>([]),
            ..BrokerOptions::default()
        };
        Broker::open(options).expect("the options are sound")
    }

    /// The resource that the tokens are for: of `mcp` the one that was logged in to, else one that takes every token of
    /// the server.
    pub fn resource_url(&self) -> String {
        let path = if self.provider == "mcp" { "mcp" } else { "resource" };
        format!("{}/{path}", self.server.origin())
    }

    /// The status of the resource with this token: 200 while it works.
    #[track_caller]
    pub fn resource(&self, access_token: &str) -> u16 {
        let url = Url::parse(&self.resource_url());
        person::get_with_token(&url.expect("the origin is a URL"), access_token).status
    }

    /// The sealed records, by path and content. What locks leave behind is not among them.
    pub fn records(&self) -> Vec<(std::path::PathBuf, Vec<u8>)> {
        let mut found = files_below(&self.home.store().join("records"));
        found.sort();
        found
    }
}

/// Tries until it is so. Every try is an event by itself: a request, a command.
#[track_caller]
pub fn until(mut is_so: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < give_up, "it is not so after half a minute");
    }
}
