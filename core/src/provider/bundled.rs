//! The definitions in the binary: the files of `core/providers`, by name.
//!
//! They are texts here, and each is parsed when its provider is asked for. May not enter: anything about one of them.

/// Each name with the text of its file, in the order of the names.
macro_rules! bundled {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../providers/", $name, ".toml")))),*]
    };
}

/// Name and text, sorted by name.
pub const BUNDLED: &[(&str, &str)] = bundled![
    "airtable",
    "asana",
    "atlassian",
    "attio",
    "auth0",
    "aws-cognito",
    "azure-devops",
    "basecamp",
    "bitbucket",
    "box",
    "calendly",
    "canva",
    "clickup",
    "cloudflare",
    "databricks",
    "datadog",
    "digitalocean",
    "discord",
    "docusign",
    "dropbox",
    "fastmail",
    "figma",
    "fitbit",
    "gitea",
    "github",
    "github-app",
    "gitlab",
    "google",
    "heroku",
    "hubspot",
    "huggingface",
    "intercom",
    "keycloak",
    "linear",
    "linkedin",
    "mailchimp",
    "mastodon",
    "mcp",
    "microsoft",
    "miro",
    "monday",
    "netlify",
    "notion",
    "oidc",
    "okta",
    "pagerduty",
    "pinterest",
    "pipedrive",
    "posthog",
    "quickbooks",
    "reddit",
    "salesforce",
    "sentry",
    "shopify",
    "slack",
    "snowflake",
    "spotify",
    "strava",
    "stripe",
    "supabase",
    "tiktok",
    "todoist",
    "twitch",
    "typeform",
    "vercel",
    "webex",
    "webflow",
    "wrike",
    "x",
    "xero",
    "yahoo",
    "zendesk",
    "zoho",
    "zoom",
];

/// The text of the bundled file of that name.
pub fn text_of(name: &str) -> Option<&'static str> {
    let found = BUNDLED.binary_search_by_key(&name, |(name, _)| name).ok()?;
    BUNDLED.get(found).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests;
