//! The person, behind an object of another language whose methods are called by name, and may be missing.
//!
//! A method that fails ends the login, also where the core does not ask for its answer: a program that raises while it
//! is told something has given up. May not enter: what is done where a method is missing. The core's trait says that.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokenkeep::{DeviceAuthorization, Error, Flow, Interaction, Result, Url};
use tokio::sync::oneshot;

use crate::records;

/// An object of another language. Its methods are called on a thread that may block.
pub trait Person: Send + Sync + 'static {
    /// True when it has the method: `open_url` for one.
    fn has(&self, method: &str) -> bool;

    /// Calls a method that it has; its answer.
    ///
    /// # Errors
    /// [`Error::cancelled`] with what the method threw.
    fn call(&self, method: &str, arguments: Vec<Value>) -> Result<Value>;
}

/// The end of a login that its person brought about.
pub(crate) type Refusal = Pin<Box<dyn Future<Output = Error> + Send>>;

/// The interaction through `person`, and its refusal.
pub(crate) fn through(person: impl Person) -> (Arc<dyn Interaction>, Refusal) {
    let (refuse, refused) = oneshot::channel();
    let interaction = Arc::new(Through { person, refuse: Mutex::new(Some(refuse)) });
    let refused = async move {
        match refused.await {
            Ok(error) => error,
            Err(_) => std::future::pending().await,
        }
    };
    (interaction, Box::pin(refused))
}

/// The refusal of somebody who does not refuse.
pub(crate) fn never() -> Refusal {
    Box::pin(std::future::pending())
}

/// What the core does where a method is missing, for an object that passes a call on.
///
/// # Errors
/// Those of the core's own; `config_invalid` for arguments that are not the method's.
pub fn default_answer(method: &str, arguments: &[Value]) -> Result<Value> {
    match (method, arguments) {
        ("open_url", [url]) => {
            let url = url.as_str().and_then(|url| Url::parse(url).ok());
            url.map_or_else(|| Err(Error::cancelled("open_url wants a URL")), |url| Defaults.open_url(&url))?;
            Ok(Value::Null)
        }
        // Whatever is to be shown, the answer is the same.
        ("show_device_authorization", _) => {
            Defaults.show_device_authorization(&DeviceAuthorization::default()).map(Value::from)
        }
        ("read_redirect_url", _) => Defaults.read_redirect_url().map(Value::String),
        _ => Ok(Value::Null),
    }
}

/// What is done where a method is missing.
struct Defaults;

impl Interaction for Defaults {}

struct Through<P> {
    person: P,
    refuse: Mutex<Option<oneshot::Sender<Error>>>,
}

impl<P: Person> Through<P> {
    /// Calls a method if it is there. What fails ends the login.
    fn call(&self, method: &str, arguments: Vec<Value>) -> Option<Result<Value>> {
        let answer = self.person.has(method).then(|| self.person.call(method, arguments))?;
        if let Err(error) = &answer
            && let Some(refuse) = self.refuse.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            // The login may have ended by itself.
            let _ = refuse.send(error.clone());
        }
        Some(answer)
    }
}

impl<P: Person> Interaction for Through<P> {
    fn flow_chosen(&self, flow: Flow, reason: &str) {
        let flow = flow.as_str().replace('-', "_");
        // A failure has ended the login.
        let _ = self.call("flow_chosen", vec![flow.into(), reason.into()]);
    }

    fn open_url(&self, authorization_url: &Url) -> Result<()> {
        let opened = self.call("open_url", vec![authorization_url.as_str().into()]);
        opened.map_or_else(|| Defaults.open_url(authorization_url), |answer| answer.map(drop))
    }

    fn show_device_authorization(&self, device: &DeviceAuthorization) -> Result<()> {
        let shown = self.call("show_device_authorization", vec![records::device_authorization(device)]);
        shown.map_or_else(|| Defaults.show_device_authorization(device), |answer| answer.map(drop))
    }

    fn read_redirect_url(&self) -> Result<String> {
        let Some(answer) = self.call("read_redirect_url", Vec::new()) else {
            return Defaults.read_redirect_url();
        };
        match answer? {
            Value::String(url) => Ok(url),
            other => {
                Err(Error::cancelled(format!("read_redirect_url answered {} and no text", kind(&other))))
            }
        }
    }

    fn response_refused(&self, reason: &str) {
        // A failure has ended the login.
        let _ = self.call("response_refused", vec![json!(reason)]);
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Knows two methods, of which one fails.
    struct Window;

    impl Person for Window {
        fn has(&self, method: &str) -> bool {
            matches!(method, "read_redirect_url" | "response_refused")
        }

        fn call(&self, method: &str, arguments: Vec<Value>) -> Result<Value> {
            match method {
                "read_redirect_url" => Ok(7.into()),
                _ => Err(Error::cancelled(format!("the window is gone: {arguments:?}"))),
            }
        }
    }

    #[test]
    fn a_method_that_is_missing_is_the_cores() {
        let (window, _) = through(Window);
        window.flow_chosen(Flow::DeviceCode, "because");
        assert_eq!(
            window.read_redirect_url().unwrap_err().message(),
            "read_redirect_url answered a number and no text"
        );
        assert_eq!(
            default_answer("show_device_authorization", &[json!({})]).unwrap_err().code(),
            "unsupported"
        );
        assert_eq!(default_answer("read_redirect_url", &[]).unwrap_err().code(), "unsupported");
        assert_eq!(default_answer("flow_chosen", &[json!("pkce"), json!("because")]).unwrap(), Value::Null);
    }

    #[test]
    fn a_method_that_fails_ends_the_login() {
        let (window, refused) = through(Window);
        window.response_refused("a stranger");
        let error = crate::wait(async { Ok(refused.await) }, || Ok::<_, Error>(())).unwrap();
        assert_eq!(
            (error.code(), error.message()),
            ("login_cancelled", "the window is gone: [String(\"a stranger\")]")
        );
    }
}
