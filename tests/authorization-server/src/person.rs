//! The stand-in for browser and person: follows redirects, presses the one button, ends where the browser would
//! end.

use std::io;
use std::path::Path;

use hyper::header::LOCATION;
use url::Url;

use crate::form::Form;
use crate::http_client::{Answer, HttpClient};

/// More pages than any sign-in has.
const MAX_PAGES: usize = 12;

/// Words in the name or value of a button that says no.
const DENIALS: [&str; 4] = ["deny", "cancel", "abort", "reject"];

/// What the person wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Presses the button that says yes.
    Approve,
    /// Presses the button that says no, where there is one.
    Deny,
}

/// A person with a browser that keeps no cookies and runs no scripts.
pub struct StandInPerson {
    client: HttpClient,
    decision: Decision,
}

impl StandInPerson {
    /// A person who trusts the authorities in this PEM file, and wants this.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn new(decision: Decision, ca_certificate: Option<&Path>) -> io::Result<Self> {
        Ok(Self { client: HttpClient::new(ca_certificate)?, decision })
    }

    /// The same person behind a proxy.
    #[must_use]
    pub fn through(self, proxy: Option<Url>) -> Self {
        Self { client: self.client.through(proxy), ..self }
    }

    /// Opens an authorization URL and goes on until a page has no form: the last one is the loopback redirect's.
    ///
    /// # Errors
    ///
    /// When a page does not arrive, or there is no end.
    pub async fn visit(&self, authorization_url: &Url) -> io::Result<Answer> {
        let first = self.client.get(authorization_url).await?;
        self.follow(first, &[]).await
    }

    /// Opens a verification URI and enters the user code.
    ///
    /// # Errors
    ///
    /// When a page does not arrive, or there is no end.
    pub async fn enter_user_code(&self, verification_uri: &Url, user_code: &str) -> io::Result<Answer> {
        let first = self.client.get(verification_uri).await?;
        self.follow(first, &[("user_code", user_code)]).await
    }

    async fn follow(&self, mut page: Answer, filled: &[(&str, &str)]) -> io::Result<Answer> {
        for _ in 0..MAX_PAGES {
            let redirected =
                matches!(page.status, 300..400).then(|| page.header(LOCATION.as_str())).flatten();
            page = if let Some(location) = redirected {
                let next = page.url.join(location).map_err(io::Error::other)?;
                self.client.get(&next).await?
            } else if let Some(form) = Form::only(&page.text()).filter(|_| page.status == 200) {
                self.submit(&page.url, &form, filled).await?
            } else {
                return Ok(page);
            };
        }
        Err(io::Error::other("too many pages"))
    }

    async fn submit(&self, page: &Url, form: &Form, filled: &[(&str, &str)]) -> io::Result<Answer> {
        let mut action = page.join(&form.action).map_err(io::Error::other)?;
        let fields = form.filled(filled, self.button(form));
        if form.post {
            return self.client.post_form(&action, &fields).await;
        }
        action.query_pairs_mut().clear().extend_pairs(&fields);
        self.client.get(&action).await
    }

    /// Who denies presses a button that sounds like it; who approves presses the first of the others.
    fn button<'f>(&self, form: &'f Form) -> Option<&'f (String, String)> {
        let denies = |(name, value): &(String, String)| {
            let text = format!("{name} {value}").to_ascii_lowercase();
            DENIALS.iter().any(|word| text.contains(word))
        };
        let wanted = |button: &&(String, String)| denies(button) == (self.decision == Decision::Deny);
        form.buttons.iter().find(wanted).or(form.buttons.first())
    }
}
