//! The one form on a page, read well enough to be sent back. Not an HTML parser: it knows the tags that matter to
//! a form, quoted and bare attributes, and the common character references.

use std::collections::HashMap;

/// A form, ready to be filled in.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    /// `action`, possibly relative or empty.
    pub(crate) action: String,
    /// `method="post"`; anything else means GET.
    pub(crate) post: bool,
    /// The named fields with their values.
    pub(crate) fields: Vec<(String, String)>,
    /// The buttons that send it; one without a name sends nothing of its own.
    pub(crate) buttons: Vec<(String, String)>,
}

impl Form {
    /// The form of a page that has exactly one.
    pub(crate) fn only(page: &str) -> Option<Self> {
        let mut forms: Vec<Self> = Vec::new();
        for (name, attributes) in tags(page) {
            let get = |attribute: &str| attributes.get(attribute).cloned().unwrap_or_default();
            if name == "form" {
                let post = get("method").eq_ignore_ascii_case("post");
                forms.push(Self { action: get("action"), post, ..Self::default() });
                continue;
            }
            let Some(form) = forms.last_mut() else { continue };
            let kind = get("type").to_ascii_lowercase();
            match name.as_str() {
                "button" if kind.is_empty() || kind == "submit" => {
                    form.buttons.push((get("name"), get("value")))
                }
                "input" if kind == "submit" => form.buttons.push((get("name"), get("value"))),
                "input" if !get("name").is_empty() => form.fields.push((get("name"), get("value"))),
                _ => {}
            }
        }
        if forms.len() == 1 { forms.pop() } else { None }
    }

    /// The form as it is sent: `button` pressed, `filled` in place of the values on the page.
    pub(crate) fn filled(
        &self,
        filled: &[(&str, &str)],
        button: Option<&(String, String)>,
    ) -> Vec<(String, String)> {
        let value = |name: &str, old: &str| {
            filled.iter().find(|(field, _)| *field == name).map_or(old, |(_, new)| *new).to_owned()
        };
        let fields = self.fields.iter().map(|(name, old)| (name.clone(), value(name, old)));
        fields.chain(button.filter(|(name, _)| !name.is_empty()).cloned()).collect()
    }
}

/// The opening tags of a page, with their attributes, names in lower case.
fn tags(page: &str) -> impl Iterator<Item = (String, HashMap<String, String>)> + '_ {
    page.split('<').skip(1).filter_map(|text| {
        let end = text.find(|character: char| !character.is_ascii_alphanumeric())?;
        let (name, rest) = text.split_at(end);
        if name.is_empty() { None } else { Some((name.to_ascii_lowercase(), attributes(rest))) }
    })
}

fn attributes(mut text: &str) -> HashMap<String, String> {
    let mut found = HashMap::new();
    loop {
        text = text.trim_start();
        let end = text.find(|character: char| character.is_whitespace() || "=>/".contains(character));
        let Some(end) = end.filter(|end| *end > 0) else { return found };
        let (name, rest) = text.split_at(end);
        let (value, rest) = match rest.trim_start().strip_prefix('=').map(str::trim_start) {
            None => ("", rest),
            Some(rest) => value(rest),
        };
        found.insert(name.to_ascii_lowercase(), unescape(value));
        text = rest;
    }
}

/// A value and what follows it.
fn value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    text.split_at(
        text.find(|character: char| character.is_whitespace() || character == '>').unwrap_or(text.len()),
    )
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, reference)) = rest.split_once('&') {
        plain.push_str(before);
        let known = reference.split_once(';').and_then(|(name, after)| Some((character(name)?, after)));
        let (character, after) = known.unwrap_or(('&', reference));
        plain.push(character);
        rest = after;
    }
    plain + rest
}

/// The character that a reference such as `amp`, `#39` or `#x2F` stands for.
fn character(reference: &str) -> Option<char> {
    match reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = reference.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.into(), value.into())
    }

    #[test]
    fn what_the_server_writes_is_read_back() {
        let awkward = "+/=&%~ \"<'>\u{e9}";
        let form = Form::only(&page::form_post("http://localhost:1/", &[pair("code", awkward)])).unwrap();
        assert_eq!((form.action.as_str(), form.post), ("http://localhost:1/", true));
        assert_eq!(form.filled(&[], form.buttons.first()), [pair("code", awkward)]);
        let consent = Form::only(&page::consent("a", "c", "s", &[pair("state", awkward)])).unwrap();
        let sent = consent.filled(&[], consent.buttons.last());
        assert_eq!(sent, [pair("state", awkward), pair("decision", "deny")]);
    }

    #[test]
    fn strange_spellings_are_understood() {
        let page = "<FORM METHOD=POST ACTION='/a?b&#x3D;1&amp;c'><input type=text name = \"u\" value=1 />\
                    <input type=\"submit\" name=go value='&#89;es'><button type=button name=no>x</button></FORM>";
        let form = Form::only(page).unwrap();
        assert_eq!((form.action.as_str(), form.post), ("/a?b=1&c", true));
        assert_eq!(form.filled(&[("u", "2")], form.buttons.first()), [pair("u", "2"), pair("go", "Yes")]);
        assert_eq!(form.buttons.len(), 1);
    }

    #[test]
    fn a_page_with_no_form_or_two_has_none_to_send() {
        assert_eq!(Form::only("<p>done"), None);
        assert_eq!(Form::only("<form></form><form></form>"), None);
    }
}
