//! The few pages a person sees. Every one has at most one form, so that a stand-in can press its button; nothing
//! of a request enters a page unescaped.

/// The button with which a person decides: its name and its two values.
pub(crate) const DECISION: &str = "decision";
pub(crate) const APPROVE: &str = "approve";
pub(crate) const DENY: &str = "deny";

/// An error that is shown because there is nowhere to redirect to (RFC 6749, section 4.1.2.1).
pub(crate) fn message(title: &str, text: &str) -> String {
    page(title, &format!("<h1>{}</h1>\n<p>{}</p>", escape(title), escape(text)))
}

/// The consent form, sent to `action`; the request travels along in hidden fields.
pub(crate) fn consent(action: &str, client_id: &str, scope: &str, parameters: &[(String, String)]) -> String {
    let text = format!("{client_id} asks for: {scope}");
    let form = form(action, &format!("{}{}", hidden(parameters), buttons()));
    page("Consent", &format!("<h1>Consent</h1>\n<p>{}</p>\n{form}", escape(&text)))
}

/// Where a user code is entered (RFC 8628, section 3.3).
pub(crate) fn device(user_code: &str) -> String {
    let field = format!("<input name=\"user_code\" value=\"{}\" autofocus>\n", escape(user_code));
    page(
        "Device",
        &format!("<h1>Enter the code of your device</h1>\n{}", form("", &format!("{field}{}", buttons()))),
    )
}

/// The authorization response in a form that sends itself (OAuth 2.0 Form Post Response Mode, section 2).
pub(crate) fn form_post(redirect_uri: &str, parameters: &[(String, String)]) -> String {
    let form = form(redirect_uri, &format!("{}<button>Continue</button>\n", hidden(parameters)));
    page("Working", &format!("{form}\n<script>document.forms[0].submit()</script>"))
}

/// For text and for attribute values in double quotes.
pub(crate) fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, character| {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
        escaped
    })
}

fn page(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n{body}\n</html>\n"
    )
}

fn form(action: &str, fields: &str) -> String {
    format!("<form method=\"post\" action=\"{}\">\n{fields}</form>", escape(action))
}

fn hidden(parameters: &[(String, String)]) -> String {
    let field = |(name, value): &(String, String)| {
        format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", escape(name), escape(value))
    };
    parameters.iter().map(field).collect()
}

fn buttons() -> String {
    [(APPROVE, "Approve"), (DENY, "Deny")]
        .map(|(value, label)| format!("<button name=\"{DECISION}\" value=\"{value}\">{label}</button>\n"))
        .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_a_page() {
        let evil = "\"><script>alert(1)</script>'&";
        let evil_pair = [(evil.to_owned(), evil.to_owned())];
        for page in [
            message(evil, evil),
            consent(evil, evil, evil, &evil_pair),
            device(evil),
            form_post(evil, &evil_pair),
        ] {
            assert!(!page.contains("<script>alert"), "{page}");
        }
    }
}
