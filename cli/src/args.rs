//! What can be typed: the commands, their options, and the examples in their `--help`.
//!
//! Values stay text here. The core judges them, so that a bad one is the same error, with the same
//! help, in every language. The file is long because it is one list: a command and its options stand side by side with
//! those that they must agree with. May not enter: defaults.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum, value_parser};
use clap_complete::Shell;
use tokenkeep::{ConnectionKey, ConnectionName, KeySource, ProviderName, Result, SaslMechanism};

use crate::exit;

/// The heading over what every command takes.
const EVERY: &str = "Options of every command";

/// Log in once, and have a fresh access token ever after.
#[derive(Debug, Parser)]
#[command(name = "tokenkeep", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = exit::after_help())]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub struct Global {
    /// The store's folder [else TOKENKEEP_HOME, else the system's data folder]
    #[arg(long, global = true, value_name = "PATH", help_heading = EVERY)]
    pub home: Option<PathBuf>,
    /// How long to wait for a connection that another process holds [else TOKENKEEP_LOCK_WAIT, else 45]
    #[arg(long, global = true, value_name = "SECONDS", help_heading = EVERY)]
    #[arg(value_parser = value_parser!(u64).range(..=86_400))]
    pub lock_wait: Option<u64>,
    /// Answer in JSON, on one line; an error is one line of JSON on standard error
    #[arg(long, global = true, help_heading = EVERY)]
    pub json: bool,
    /// Allow plain http to this machine, for tests only
    #[arg(long, global = true, help_heading = EVERY)]
    pub insecure_loopback: bool,
    /// Say more; -vv and -vvv say more still [else TOKENKEEP_LOG=error|warn|info|debug|trace]
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = EVERY)]
    pub verbose: u8,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Log in to a provider and keep the grant
    #[command(after_help = "Examples:\n  \
        tokenkeep login microsoft --connection work --tenant contoso.com --scopes User.Read,Mail.Read\n  \
        tokenkeep login --resource https://mcp.example/mcp\n  \
        tokenkeep login oidc --issuer https://login.example --client-id my-app --flow device-code")]
    Login(Box<LoginArgs>),
    /// Print a fresh access token
    #[command(after_help = "Examples:\n  \
        curl -H \"Authorization: Bearer $(tokenkeep token microsoft)\" https://graph.microsoft.com/v1.0/me\n  \
        tokenkeep token microsoft --connection work --min-lifetime 1800\n  \
        tokenkeep token microsoft --scopes outlook-imap --sasl xoauth2 --user person@example.com")]
    Token(TokenArgs),
    /// List the connections
    #[command(after_help = "Examples:\n  \
        tokenkeep list\n  \
        tokenkeep list --watch --json              a line for each change, until Ctrl-C")]
    List(ListArgs),
    /// Show one connection, or one field of it
    #[command(after_help = "Examples:\n  \
        tokenkeep get microsoft\n  \
        tokenkeep get microsoft --field status     prints connected or login_required")]
    Get(GetArgs),
    /// End a grant: at the server where that is possible, and here in any case
    #[command(after_help = "Examples:\n  \
        tokenkeep logout microsoft --connection work\n  \
        tokenkeep logout google --all --forget-client")]
    Logout(LogoutArgs),
    /// Print a fresh access token as an environment variable
    #[command(after_help = "Examples:\n  \
        eval \"$(tokenkeep export microsoft --format shell)\"\n  \
        tokenkeep export microsoft --format env > token.env")]
    Export(ExportArgs),
    /// List, show, add or remove provider definitions
    #[command(after_help = "Examples:\n  \
        tokenkeep providers\n  \
        tokenkeep providers show microsoft > acme.toml\n  \
        tokenkeep providers add acme.toml")]
    Providers(ProvidersArgs),
    /// List the presets of a provider, or check a list of scopes; what is odd about it is no failure
    #[command(after_help = "Examples:\n  \
        tokenkeep scopes microsoft                 the presets, and the scopes that they stand for\n  \
        tokenkeep scopes microsoft mail-read,Mail.ReadWrite")]
    Scopes(ScopesArgs),
    /// Keep the client id that a provider is logged in to with
    #[command(after_help = "Examples:\n  \
        tokenkeep client set google --client-id ID --client-secret-stdin < secret.txt\n  \
        tokenkeep client set oidc --issuer https://login.example --client-id ID\n  \
        tokenkeep client document https://app.example/client.json")]
    Client(ClientArgs),
    /// Print the address that an administrator consents at, for all of their organization; or read their answer
    #[command(after_help = "Examples:\n  \
        tokenkeep admin-consent microsoft --scopes teams\n  \
        tokenkeep admin-consent microsoft --state STATE --answer 'http://localhost/callback?admin_consent=True&...'")]
    AdminConsent(AdminConsentArgs),
    /// Print the proof that goes with a token that is bound to a key (DPoP), for one request
    #[command(after_help = "Examples:\n  \
        tokenkeep dpop-proof --resource https://mcp.example/mcp --method POST --url https://mcp.example/mcp")]
    DpopProof(DpopProofArgs),
    /// Make the store, and choose where its key is kept
    #[command(after_help = "Examples:\n  \
        tokenkeep init                             the system's keychain\n  \
        tokenkeep init --key file                  a file beside the records, for machines without one")]
    Init(InitArgs),
    /// Look at the store, the keychain and the network settings; changes nothing
    #[command(after_help = "Examples:\n  tokenkeep doctor\n  tokenkeep doctor --json")]
    Doctor,
    /// Say what an error code of Microsoft's means, who must act, and what to type
    #[command(after_help = "Examples:\n  \
        tokenkeep explain AADSTS65001\n  \
        tokenkeep explain < error.txt              a whole error, as it was shown\n  \
        tokenkeep explain 50076 53003 --json")]
    Explain(ExplainArgs),
    /// Print the completions of a shell
    #[command(after_help = "Examples:\n  \
        tokenkeep completions bash > ~/.local/share/bash-completion/completions/tokenkeep\n  \
        tokenkeep completions fish > ~/.config/fish/completions/tokenkeep.fish")]
    Completions(CompletionsArgs),
}

/// Which connection.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whose").args(["provider", "resource"]).required(true).multiple(true))]
pub struct ConnectionArgs {
    /// The provider, as `tokenkeep providers` lists it [mcp with --resource]
    #[arg(
        value_name = "PROVIDER",
        required = false,
        default_value_if("resource", clap::builder::ArgPredicate::IsPresent, "mcp")
    )]
    pub provider: String,
    /// Tells two accounts of one provider apart [with --resource, else named for it]
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// The protected resource: the address of an MCP server, for one
    #[arg(long, value_name = "URL")]
    pub resource: Option<String>,
}

impl ConnectionArgs {
    pub fn key(&self) -> Result<ConnectionKey> {
        let connection = match (&self.connection, &self.resource) {
            (Some(name), _) => name.parse()?,
            (None, Some(resource)) => ConnectionName::of_resource(resource)?,
            (None, None) => ConnectionName::default(),
        };
        Ok(ConnectionKey::new(self.provider.parse()?, connection))
    }
}

#[derive(Debug, Args)]
pub struct LoginArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// How: pkce opens a browser here, device-code wants one on any device, auto looks around;
    /// client-credentials is app-only access, and nobody logs in
    #[arg(long, value_enum)]
    pub flow: Option<FlowArg>,
    /// What to ask for: scopes and presets, separated by commas or spaces
    #[arg(long, value_name = "LIST")]
    pub scopes: Option<String>,
    /// What to ask for beside what was asked for before
    #[arg(long, value_name = "LIST", conflicts_with = "scopes")]
    pub add_scopes: Option<String>,
    /// What the login page does: select_account, login, consent or none
    #[arg(long, value_name = "PROMPT")]
    pub prompt: Option<String>,
    /// Whom the login page offers first: a user name
    #[arg(long, value_name = "USER")]
    pub login_hint: Option<String>,
    /// Microsoft: the domain of the organization that signs in, which spares the person a page
    #[arg(long, value_name = "DOMAIN")]
    pub domain_hint: Option<String>,
    /// The claims that an API has challenged for, as JSON [else those that the last refresh met]
    #[arg(long, value_name = "JSON")]
    pub claims: Option<String>,
    /// Microsoft: what this client can do; cp1 for continuous access evaluation
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub client_capabilities: Option<Vec<String>>,
    /// Microsoft: common, organizations, consumers, a GUID or a domain
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// Microsoft: global, us-government or china
    #[arg(long, value_name = "CLOUD")]
    pub cloud: Option<String>,
    /// The server to log in to, for oidc
    #[arg(long, value_name = "URL")]
    pub issuer: Option<String>,
    /// What differs from customer to customer at the provider: subdomain=acme, for one
    #[arg(long = "value", value_name = "NAME=VALUE")]
    pub values: Vec<String>,
    /// Bind the tokens to a key (DPoP) [else as the provider or the resource wants it]
    #[arg(long)]
    pub dpop: bool,
    /// The client id of your registration with the provider
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// The client id metadata document that you have published: its URL is the client id where the server takes one
    #[arg(long, value_name = "URL")]
    pub client_metadata_url: Option<String>,
    /// Read the client secret from the first line of standard input
    #[arg(long, group = "credential")]
    pub client_secret_stdin: bool,
    /// Read a private key, and its certificate if it has one, in PEM from standard input, for app-only access
    #[arg(long, group = "credential")]
    pub certificate_stdin: bool,
    /// A file with the client secret, or with a private key and its certificate if it has one, for app-only access
    #[arg(long, value_name = "FILE", group = "credential")]
    pub credential_file: Option<PathBuf>,
    /// An item of the system's keychain with the client secret, or with a private key and its certificate
    #[arg(long, value_name = "SERVICE/ACCOUNT", group = "credential")]
    pub credential_keychain: Option<String>,
    /// The day that the client secret ends, as the provider's portal shows it, to be warned in time
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub credential_expires: Option<String>,
    /// The loopback address to be sent back to, when the provider wants it to the letter
    #[arg(long, value_name = "URI")]
    pub redirect_uri: Option<String>,
    /// The browser to open; the URL is added as its last argument [else $BROWSER, else the system's]
    #[arg(long, value_name = "CMD", group = "way")]
    pub browser: Option<String>,
    /// Open no browser: print the URL and wait for the answer here (a login of the pkce kind)
    #[arg(long, group = "way")]
    pub no_browser: bool,
    /// The browser is on another machine: also take the address it ends up at from standard input
    #[arg(long, group = "way", conflicts_with_all = ["client_secret_stdin", "certificate_stdin"])]
    pub paste: bool,
    /// How long to wait for the person
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u64).range(1..=86400))]
    pub timeout: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FlowArg {
    Auto,
    Pkce,
    #[value(alias = "device_code")]
    DeviceCode,
    #[value(alias = "client_credentials")]
    ClientCredentials,
}

#[derive(Debug, Args)]
pub struct TokenArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Scopes that the token must hold, separated by commas or spaces; at Microsoft they also say which resource it
    /// is for
    #[arg(long, value_name = "LIST")]
    pub scopes: Option<String>,
    /// Refresh a token that is good for less than this
    #[arg(long, value_name = "SECONDS")]
    pub min_lifetime: Option<u64>,
    /// Refresh even when the token looks fresh
    #[arg(long)]
    pub force_refresh: bool,
    /// The claims that an API has challenged for, as JSON: a token without them is refreshed first
    #[arg(long, value_name = "JSON")]
    pub claims: Option<String>,
    /// Microsoft: while the server is down, take a token that has ended for as long as its resource does
    #[arg(long)]
    pub allow_extended: bool,
    /// Print what a mail server is told in place of the token
    #[arg(long, value_name = "MECHANISM", value_parser = sasl_mechanism())]
    pub sasl: Option<SaslMechanism>,
    /// The mailbox, for --sasl [else the account that logged in]
    #[arg(long, value_name = "USER", requires = "sasl")]
    pub user: Option<String>,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// Go on: print each connection as it appears, changes or disappears, whoever does it
    #[arg(long)]
    pub watch: bool,
}

#[derive(Debug, Args)]
pub struct GetArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Print this field alone
    #[arg(long, value_name = "NAME")]
    pub field: Option<String>,
}

#[derive(Debug, Args)]
pub struct LogoutArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Every connection of the provider
    #[arg(long, conflicts_with_all = ["connection", "resource"])]
    pub all: bool,
    /// Also remove the client registration that is stored for the provider, or for the issuer of the connection
    #[arg(long)]
    pub forget_client: bool,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// env: NAME=value; shell: export NAME='value'; json: {"NAME": "value"}
    #[arg(long, value_enum)]
    pub format: Option<ExportFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    Env,
    Shell,
    Json,
}

#[derive(Debug, Args)]
pub struct ProvidersArgs {
    #[command(subcommand)]
    pub action: Option<ProvidersAction>,
}

#[derive(Debug, Subcommand)]
pub enum ProvidersAction {
    /// List the providers
    List,
    /// Print a provider's definition
    Show {
        /// The provider
        name: String,
    },
    /// Keep a definition of your own; it wins over a bundled one
    Add {
        /// The provider's file
        file: PathBuf,
    },
    /// Remove a definition of your own
    Remove {
        /// The provider
        name: String,
    },
}

#[derive(Debug, Args)]
pub struct ScopesArgs {
    /// The provider
    pub provider: String,
    /// Scopes and presets, separated by commas or spaces
    pub list: Vec<String>,
}

#[derive(Debug, Args)]
pub struct ClientArgs {
    #[command(subcommand)]
    pub action: ClientAction,
}

#[derive(Debug, Subcommand)]
pub enum ClientAction {
    /// Store the client to log in with
    Set {
        /// The provider
        provider: String,
        /// The issuer that it is registered with, for oidc and mcp
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
        /// The client id of your registration with the provider
        #[arg(long, value_name = "ID")]
        client_id: String,
        /// Read the client secret from the first line of standard input
        #[arg(long)]
        client_secret_stdin: bool,
    },
    /// Show what is stored, without the secret
    Show {
        /// The provider
        provider: String,
        /// The issuer that it is registered with, for oidc and mcp
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
    },
    /// Remove it
    Remove {
        /// The provider
        provider: String,
        /// The issuer that it is registered with, for oidc and mcp
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
    },
    /// Print the client id metadata document to publish at an address of yours
    Document {
        /// The address: the client id
        url: String,
    },
}

#[derive(Debug, Args)]
pub struct AdminConsentArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// The organization: a GUID, a domain, or organizations [else the connection's]
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// Microsoft: global, us-government or china
    #[arg(long, value_name = "CLOUD")]
    pub cloud: Option<String>,
    /// The client id of your registration with the provider
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// What to consent to, separated by commas or spaces [else what the connection was asked for]
    #[arg(long, value_name = "LIST")]
    pub scopes: Option<String>,
    /// Where the administrator is sent afterwards: one of the registration's
    #[arg(long, value_name = "URI")]
    pub redirect_uri: Option<String>,
    /// The address that the administrator ended up at: says whether they consented
    #[arg(long, value_name = "ADDRESS", requires = "state")]
    pub answer: Option<String>,
    /// The state that was printed with the address
    #[arg(long, value_name = "STATE", requires = "answer", allow_hyphen_values = true)]
    pub state: Option<String>,
}

#[derive(Debug, Args)]
pub struct DpopProofArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// The method of the request
    #[arg(long, value_name = "METHOD")]
    pub method: String,
    /// The address of the request
    #[arg(long, value_name = "URL")]
    pub url: String,
    /// The resource's last DPoP-Nonce header
    #[arg(long, value_name = "NONCE", allow_hyphen_values = true)]
    pub nonce: Option<String>,
}

#[derive(Debug, Args)]
pub struct InitArgs {
    /// keychain: the system's own; passphrase: asked for each time; file: readable to you alone
    #[arg(long, value_parser = key_source())]
    pub key: Option<KeySource>,
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A code, or the error that holds it [else standard input]
    #[arg(value_name = "TEXT")]
    pub text: Vec<String>,
}

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// The core's own reading, with the names that `--help` and a shell's completions show.
fn key_source() -> impl TypedValueParser<Value = KeySource> {
    let known = [KeySource::Keychain, KeySource::Passphrase, KeySource::File];
    PossibleValuesParser::new(known.map(KeySource::as_str)).try_map(|name| name.parse::<KeySource>())
}

/// The core's own reading, as above.
fn sasl_mechanism() -> impl TypedValueParser<Value = SaslMechanism> {
    PossibleValuesParser::new(["xoauth2", "oauthbearer"]).try_map(|name| name.parse::<SaslMechanism>())
}

/// A provider's name on its own.
pub fn provider(name: &str) -> Result<ProviderName> {
    name.parse()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    /// What people are told to type can be typed.
    #[test]
    fn every_command_of_an_explanation_is_one() {
        let table = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/src/protocol/aadsts.toml");
        let table = std::fs::read_to_string(table).unwrap();
        let quoted = |line: &str| line.strip_prefix("command = \"")?.strip_suffix('"').map(str::to_owned);
        let commands: Vec<String> = table.lines().filter_map(quoted).collect();
        assert!(commands.len() > 100);
        let filled = [
            ("SCOPES", "User.Read"),
            ("CLOUD", "china"),
            ("TENANT", "t.example"),
            ("ID", "11111111-2222-3333-4444-555555555555"),
        ];
        let is_fiction = |command: &&String| {
            let words = command
                .split(' ')
                .map(|word| filled.iter().find(|(name, _)| *name == word).map_or(word, |(_, value)| *value));
            Cli::try_parse_from(words).is_err()
        };
        let fictions: Vec<_> = commands.iter().filter(is_fiction).collect();
        assert!(fictions.is_empty(), "{fictions:#?}");
    }

    /// Random text may begin with a hyphen.
    #[test]
    fn what_a_server_has_made_is_no_option() {
        let proof = ["tokenkeep", "dpop-proof", "mcp", "--method", "GET", "--url", "https://a.example/"];
        assert!(Cli::try_parse_from(proof.iter().chain(&["--nonce", "-l9"])).is_ok());
        let consent =
            ["tokenkeep", "admin-consent", "microsoft", "--answer", "https://a.example/", "--state", "-l9"];
        assert!(Cli::try_parse_from(consent).is_ok());
    }

    #[test]
    fn device_code_may_be_written_with_an_underscore() {
        for spelling in ["device-code", "device_code"] {
            let cli = Cli::try_parse_from(["tokenkeep", "login", "microsoft", "--flow", spelling]).unwrap();
            let Command::Login(args) = cli.command else { panic!("{spelling}") };
            assert_eq!(args.flow, Some(FlowArg::DeviceCode));
        }
    }

    #[test]
    fn one_way_to_the_browser_at_a_time() {
        let ways: [&[&str]; 3] = [&["--browser", "x"], &["--no-browser"], &["--paste"]];
        for first in ways {
            for second in ways {
                let line = ["tokenkeep", "login", "microsoft"].iter().chain(first);
                assert!(Cli::try_parse_from(line.clone()).is_ok(), "{first:?}");
                assert!(Cli::try_parse_from(line.chain(second)).is_err(), "{first:?} {second:?}");
            }
        }
    }
}
