//! A scripted OAuth authorization server: the other side of every test that logs in.
//!
//! It plays two dialects, plain OAuth (RFC 6749, 7009, 7591, 7592, 7636, 8414, 8628, 8707, 9126, 9207, 9449, 9728 and
//! OpenID Connect Core) and Microsoft Entra; four ways to rotate a refresh token; the person at the browser; and every
//! fault that a real server or the network in front of it was seen to make. What it was asked is kept in a [`Journal`]
//! that holds no secret.
//!
//! It shares no code with the product. It is strict where an RFC says MUST, so that a client which gets an
//! answer here has earned it, and it misbehaves only when a [`Fault`] says so.
//!
//! The rooms; one knows only what stands below it, or to its right:
//!
//! ```text
//! server                                        start, stop, what a test holds in its hand
//! listener tls proxy                            sockets; http or https; a way in by other names
//! dispatch                                      one request: route, fault, endpoint, journal
//! control endpoint/*                            what the test asks; what the client asks
//! route token_response resource_indicators      which endpoint; what a grant looks like on the wire; what it is for
//! shared                                        what all requests share
//! state id_token reply                          what is remembered, claimed, answered
//! device rotation journal consent               device codes; used refresh tokens; what was asked; what was allowed
//! registration client_document pushed_requests  who registered itself, or has a document; what was pushed
//! journal_entry                                 one request that was asked
//! client_authentication client_assertion dpop    who asks, and with which key
//! claims pkce entra grant redirect_uri jws      rules
//! refusal oauth_error                           every reason to say no, and how it is written
//! options live_options features                 what the server is told, and when
//! resource_options                              what it is told of resources
//! fault_queue fault mutation registered_client  what goes wrong; who may ask
//! request signing_key page random clock         values and outside things
//!
//! person form http_client                       the stand-in person, a client of its own
//! ```
//!
//! Left out on purpose: introspection and userinfo.

mod claims;
mod client_assertion;
mod client_authentication;
mod client_document;
mod clock;
mod consent;
mod control;
mod device;
mod dispatch;
mod dpop;
mod endpoint;
mod entra;
mod fault;
mod fault_queue;
mod features;
mod form;
mod grant;
mod http_client;
mod id_token;
mod journal;
mod journal_entry;
mod jws;
mod listener;
mod live_options;
mod mutation;
mod oauth_error;
mod options;
mod page;
mod person;
mod pkce;
mod proxy;
mod pushed_requests;
mod random;
mod redirect_uri;
mod refusal;
mod registered_client;
mod registration;
mod reply;
mod request;
mod resource_indicators;
mod resource_options;
mod rotation;
mod route;
mod server;
mod shared;
mod signing_key;
mod state;
mod tls;
mod token_response;

pub use fault::{Action, Fault, When};
pub use features::{
    ApiOptions, ClientDocumentOptions, Dpop, DpopOptions, MetadataOptions, Nonces, PushedRequestOptions,
    PushedRequests, RegistrationOptions, TokenResponseOptions,
};
pub use http_client::{Answer, HttpClient};
pub use journal::Journal;
pub use journal_entry::{Entry, Outcome, ProofSeen, fingerprint};
pub use jws::PublicKey;
pub use live_options::{AssertionReplay, Consent, IssuerParameter, LiveOptions, Person, Rotation};
pub use mutation::{IdTokenMutation, Mutation, Signature};
pub use options::{Dialect, Host, ServerOptions};
pub use person::{Decision, StandInPerson};
pub use proxy::{Asked, Proxy};
pub use registered_client::{AuthenticationMethod, ClientCertificate, RegisteredClient};
pub use request::Endpoint;
pub use resource_options::{IndicatorOptions, Indicators, Place, ResourceOptions, Scheme};
pub use server::{AuthorizationServer, Running};
