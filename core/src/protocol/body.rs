//! What an endpoint answered, read into members: JSON (RFC 6749 5.1), or the form that some servers
//! send in its place, whatever the content type says about JSON.
//!
//! What a body is, is told by its first character: a server that says `text/html` and sends JSON means
//! the JSON, and a proxy that says `application/json` and sends a page means the page. Only a form needs
//! its content type, since any text could be read as one.
//!
//! May not enter: the text of a parser's error. It quotes the body, and the body holds tokens.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Value};
use url::form_urlencoded;

/// Ten years: no lifetime is longer, whatever a server says.
pub(super) const MAX_SECONDS: i64 = 10 * 365 * 24 * 3600;

/// Why a body has no members to read. Each text says what it is and repeats nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Not an OAuth answer at all: a proxy's page, an empty body.
    Foreign(&'static str),
    /// Meant as one, and broken.
    Broken(&'static str),
}

impl Unreadable {
    /// What it is instead.
    pub(super) fn what(self) -> &'static str {
        match self {
            Unreadable::Foreign(what) | Unreadable::Broken(what) => what,
        }
    }
}

/// Reads the members that `T` knows and skips the others, however deeply they nest. A repeated member
/// that `T` knows is refused: two readers could pick different ones.
pub(super) fn read<T: DeserializeOwned>(content_type: Option<&str>, body: &[u8]) -> Result<T, Unreadable> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    match body.first() {
        None => Err(Unreadable::Foreign("an empty body")),
        Some(b'{') => serde_json::from_slice(body).map_err(broken_json),
        Some(b'<') => Err(Unreadable::Foreign("HTML")),
        Some(_) if is_form(content_type) => read_form(body),
        Some(_) => Err(Unreadable::Foreign("neither JSON nor a form")),
    }
}

/// What a parser's error comes to: its text quotes the body.
fn broken_json(error: serde_json::Error) -> Unreadable {
    Unreadable::Broken(match error.classify() {
        Category::Data => "JSON with a member that is repeated or of the wrong type",
        Category::Eof => "JSON that breaks off",
        Category::Syntax | Category::Io => "JSON that does not parse",
    })
}

/// Reads one member of an object, whatever the others are; `None` when it is not there.
pub(super) fn read_member<T: DeserializeOwned>(
    content_type: Option<&str>,
    body: &[u8],
    name: &str,
) -> Result<Option<T>, Unreadable> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    if body.first() != Some(&b'{') {
        let mut members: Map<String, Value> = read(content_type, body)?;
        let broken = |_| Unreadable::Broken("a form with a member of the wrong type");
        return members.remove(name).map(serde_json::from_value).transpose().map_err(broken);
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let member = Member { name, type_of_it: PhantomData }.deserialize(&mut reader);
    member.and_then(|member| reader.end().map(|()| member)).map_err(broken_json)
}

/// The visitor of [`read_member`]: nothing is kept of the other members, which may be secrets.
struct Member<'a, T> {
    name: &'a str,
    type_of_it: PhantomData<T>,
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for Member<'_, T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for Member<'_, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = members.next_key::<String>()? {
            if name != self.name {
                members.next_value::<IgnoredAny>()?;
            } else if found.replace(members.next_value::<Option<T>>()?).is_some() {
                return Err(de::Error::custom("a repeated member"));
            }
        }
        Ok(found.flatten())
    }
}

/// RFC 9110 8.3.1: the media type without its parameters, in any case.
fn is_form(content_type: Option<&str>) -> bool {
    let essence = content_type.and_then(|text| text.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// RFC 6749 appendix B. Every repeat is refused, known or not: a form is never an extension's answer.
fn read_form<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unreadable> {
    let mut members = Map::new();
    for (name, value) in form_urlencoded::parse(body) {
        if members.insert(name.into_owned(), Value::String(value.into_owned())).is_some() {
            return Err(Unreadable::Broken("a form with a repeated member"));
        }
    }
    serde_json::from_value(Value::Object(members))
        .map_err(|_| Unreadable::Broken("a form with a member of the wrong type"))
}

/// The text of a member that may be absent, empty or of another type: all three count as absent.
pub(super) fn text(member: Option<Value>) -> Option<String> {
    match member {
        Some(Value::String(text)) if !text.trim().is_empty() => Some(text),
        _ => None,
    }
}

/// Not a number of seconds that a duration can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotSeconds;

/// A duration as servers write it: RFC 6749 A.14 says an integer; a string and a float are seen too.
/// What is larger than [`MAX_SECONDS`] counts as that, and what is negative as 0: the refresh token that came
/// with it may be the only one left. What is no number is refused.
pub(super) fn seconds(member: Option<&Value>) -> Result<Option<i64>, NotSeconds> {
    let number = match member {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
        Some(Value::String(text)) => text.trim().parse::<f64>().map_err(|_| NotSeconds)?,
        Some(Value::Number(number)) => number.as_f64().ok_or(NotSeconds)?,
        Some(_) => return Err(NotSeconds),
    };
    if !number.is_finite() {
        return Err(NotSeconds);
    }
    // In range, so nothing is lost but the fraction.
    Ok(Some(number.clamp(0.0, MAX_SECONDS as f64) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Members {
        a: Option<String>,
    }

    fn a(text: &str) -> Result<Members, Unreadable> {
        Ok(Members { a: Some(text.to_owned()) })
    }

    #[test]
    fn json_is_known_by_its_look_and_a_form_by_its_content_type() {
        let form = Some("Application/X-WWW-Form-Urlencoded ; charset=utf-8");
        assert_eq!(read(Some("text/html"), b"\xef\xbb\xbf \r\n{\"a\":\"x\",\"b\":[]}"), a("x"));
        assert_eq!(read(form, b"{\"a\":\"x\"}"), a("x"));
        assert_eq!(read(form, b"a=x%20y&b="), a("x y"));
        assert_eq!(read(form, b"a=\xff"), a("\u{fffd}"));
        assert_eq!(
            read::<Members>(Some("text/plain"), b"a=x").unwrap_err().what(),
            "neither JSON nor a form"
        );
        assert_eq!(read::<Members>(form, b"<p>").unwrap_err().what(), "HTML");
        assert_eq!(read::<Members>(None, b" \n").unwrap_err().what(), "an empty body");
    }

    #[test]
    fn what_is_broken_is_named_and_not_quoted() {
        let form = Some("application/x-www-form-urlencoded");
        let cases: [(Option<&str>, &[u8]); 6] = [
            (None, b"{\"a\":\"canary\",\"a\":\"canary\"}"),
            (None, b"{\"a\":[\"canary\"]}"),
            (None, b"{\"a\":\"canary"),
            (None, b"{\"a\":\"canary\"} canary"),
            (None, b"{\"a\":\"canary\xff\"}"),
            (form, b"a=canary&a=canary"),
        ];
        for (content_type, body) in cases {
            let error = read::<Members>(content_type, body).unwrap_err();
            assert!(matches!(error, Unreadable::Broken(_)), "{error:?}");
            assert!(!format!("{error:?}").contains("canary"));
        }
    }

    #[test]
    fn seconds_are_a_number_in_any_dress() {
        let ten_years = Ok(Some(MAX_SECONDS));
        assert_eq!(seconds(None), Ok(None));
        for (value, expected) in [
            (json!(null), Ok(None)),
            (json!(""), Ok(None)),
            (json!(0), Ok(Some(0))),
            (json!(3600), Ok(Some(3600))),
            (json!(" 3600 "), Ok(Some(3600))),
            (json!(3599.9), Ok(Some(3599))),
            (json!("3599.9"), Ok(Some(3599))),
            (json!(9_007_199_254_740_992_u64), ten_years),
            (json!(u64::MAX), ten_years),
            (json!(1e308), ten_years),
            (json!("1e308"), ten_years),
            (json!(-1), Ok(Some(0))),
            (json!(-0.5), Ok(Some(0))),
            (json!("-1"), Ok(Some(0))),
            (json!("NaN"), Err(NotSeconds)),
            (json!("inf"), Err(NotSeconds)),
            (json!("1e999"), Err(NotSeconds)),
            (json!("soon"), Err(NotSeconds)),
            (json!(true), Err(NotSeconds)),
            (json!([3600]), Err(NotSeconds)),
        ] {
            assert_eq!(seconds(Some(&value)), expected, "{value}");
        }
    }
}
