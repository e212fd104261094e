//! An answer before it is bytes ([`Reply`]), and the body that sends it, well or badly ([`ReplyBody`]).

use std::convert::Infallible;
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, Entry, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::Value;
use tokio::time::{Instant, Sleep, sleep};

use crate::journal_entry::Outcome;

/// The size of a frame of a huge body.
const HUGE_FRAME_BYTES: usize = 64 << 10;

/// What an endpoint answers, and what the journal is to know of it.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content: Content,
    pub(crate) outcome: Outcome,
}

/// The body of a [`Reply`].
#[derive(Debug)]
pub(crate) enum Content {
    Empty,
    Json(Value),
    Html(String),
    /// Written as it stands; the headers name its type, if anything does.
    Raw(Vec<u8>),
    /// JSON that begins well and goes on for this many bytes.
    Huge(usize),
    /// One byte per interval.
    Slow(Vec<u8>, Duration),
}

impl Reply {
    pub(crate) fn new(status: u16, content: Content) -> Self {
        Self { status, headers: Vec::new(), content, outcome: Outcome::default() }
    }

    pub(crate) fn json(status: u16, value: Value) -> Self {
        Self::new(status, Content::Json(value))
    }

    pub(crate) fn html(status: u16, page: String) -> Self {
        Self::new(status, Content::Html(page))
    }

    pub(crate) fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The content as the bytes it would be sent as.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match &self.content {
            Content::Json(value) => value.to_string().into_bytes(),
            Content::Html(page) => page.clone().into_bytes(),
            Content::Raw(bytes) | Content::Slow(bytes, _) => bytes.clone(),
            Content::Empty | Content::Huge(_) => Vec::new(),
        }
    }

    /// The HTTP response. Token responses and pages are never to be stored (RFC 6749, section 5.1). A header that
    /// a script misspelled is left out: the test that wanted it will say so.
    pub(crate) fn into_response(self) -> Response<ReplyBody> {
        let media_type = match &self.content {
            Content::Json(_) | Content::Huge(_) | Content::Slow(..) => Some("application/json"),
            Content::Html(_) => Some("text/html; charset=utf-8"),
            Content::Empty | Content::Raw(_) => None,
        };
        let bytes = Bytes::from(self.bytes());
        let mut response = Response::new(match self.content {
            Content::Huge(bytes) => ReplyBody::Huge { sent: 0, bytes },
            Content::Slow(_, every) => ReplyBody::Slow { bytes, every, next: Box::pin(sleep(every)) },
            _ => ReplyBody::Whole(bytes),
        });
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
                headers.append(name, value);
            }
        }
        let media_type = media_type.map(HeaderValue::from_static);
        let defaults =
            [(CACHE_CONTROL, Some(HeaderValue::from_static("no-store"))), (CONTENT_TYPE, media_type)];
        for (name, value) in defaults {
            if let (Some(value), Entry::Vacant(vacant)) = (value, headers.entry(name)) {
                vacant.insert(value);
            }
        }
        response
    }
}

/// The body on its way out.
pub(crate) enum ReplyBody {
    /// All at once.
    Whole(Bytes),
    /// `{"access_token":"aaaa...`, without a length, until `bytes` are sent.
    Huge { sent: usize, bytes: usize },
    /// With a length, one byte per interval.
    Slow { bytes: Bytes, every: Duration, next: Pin<Box<Sleep>> },
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = match self.get_mut() {
            Self::Whole(bytes) => std::mem::take(bytes),
            Self::Huge { sent, bytes } if *sent < *bytes => {
                let frame = if *sent == 0 {
                    Bytes::from_static(br#"{"token_type":"Bearer","access_token":""#)
                } else {
                    Bytes::from(vec![b'a'; HUGE_FRAME_BYTES.min(*bytes - *sent)])
                };
                *sent += frame.len();
                frame
            }
            Self::Huge { .. } => Bytes::new(),
            Self::Slow { bytes, .. } if bytes.is_empty() => Bytes::new(),
            Self::Slow { bytes, every, next } => {
                ready!(next.as_mut().poll(context));
                next.as_mut().reset(Instant::now() + *every);
                bytes.split_to(1)
            }
        };
        Poll::Ready(if frame.is_empty() { None } else { Some(Ok(Frame::data(frame))) })
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) | Self::Slow { bytes, .. } => bytes.is_empty(),
            Self::Huge { sent, bytes } => sent >= bytes,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) | Self::Slow { bytes, .. } => SizeHint::with_exact(bytes.len() as u64),
            Self::Huge { .. } => SizeHint::default(),
        }
    }
}
