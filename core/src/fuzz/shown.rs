//! What may be shown of a foreign text, and how to find out whether a secret shows.

use serde_json::{Map, Value};
use url::form_urlencoded;

/// The members of answers that are secret.
const SECRETS: [&str; 4] = ["access_token", "refresh_token", "id_token", "device_code"];

/// One line, and nothing that a terminal would act on.
pub(super) fn assert_one_line(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

/// The same, not long, and without a run of characters that a token could be.
pub(super) fn assert_clean(text: &str) {
    assert_one_line(text);
    assert!(text.chars().count() <= 1000);
    let longest = text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c))).map(str::len).max();
    assert!(longest.is_none_or(|length| length < 40), "{text:?}");
}

/// Two bodies that differ in their secrets alone must look the same to whoever sees what `read` says.
pub(super) fn assert_secrets_do_not_show(
    content_type: Option<&str>,
    body: &[u8],
    read: impl Fn(&[u8]) -> String,
) {
    let mut members: Map<String, Value> = match serde_json::from_slice(body) {
        Ok(members) => members,
        Err(_) if content_type.is_some_and(|text| text.contains("form-urlencoded")) => {
            let pairs = form_urlencoded::parse(body).into_owned();
            pairs.map(|(name, value)| (name, Value::String(value))).collect()
        }
        Err(_) => return,
    };
    let before = read(Value::Object(members.clone()).to_string().as_bytes());
    for secret in SECRETS {
        if let Some(Value::String(text)) = members.get_mut(secret) {
            *text = another(text);
        }
    }
    assert_eq!(read(Value::Object(members).to_string().as_bytes()), before);
}

/// A text of the same form in which every letter and digit is another one.
pub(crate) fn another(text: &str) -> String {
    let turned = |c: char| match c {
        'x' => 'y',
        c if c.is_ascii_alphanumeric() => 'x',
        c => c,
    };
    text.chars().map(turned).collect()
}
