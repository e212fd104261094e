//! Who we talk to. A provider is data: a file of a strict form, bundled or the user's own.
//!
//! | file | holds |
//! |---|---|
//! | `definition` | the form of a provider's file |
//! | `endpoint_template` | a URL of it, with a cloud and a tenant left open |
//! | `dialect` | what differs from the standards: values, the API, device codes, revocation |
//! | `values` | values of one customer, checked and filled in |
//! | `scopes` | its scopes: how they compare, presets, what is known of single ones |
//! | `bundled` | the bundled files |
//! | `catalog` | the bundled files and the user's own |
//! | `nearest` | the names that were probably meant |
//! | `authority` | Microsoft's tenant and cloud |
//! | `endpoints` | a definition or an issuer, turned into URLs |
//! | `protected_resource` | a resource, turned into its authorization servers |
//! | `client_registration` | which client logs in |
//!
//! May not enter: what is kept of a login (`store`), and how one is made (`flow`).

pub mod authority;
mod bundled;
pub mod catalog;
pub mod client_registration;
pub mod definition;
mod dialect;
mod endpoint_template;
pub mod endpoints;
mod nearest;
pub mod protected_resource;
pub mod scopes;
pub mod values;

pub use authority::Authority;
pub use catalog::{Catalog, CatalogEntry, DefinitionOrigin};
pub use client_registration::{ClientRegistration, ClientSources, Credential, Proof, StoredClient};
pub use definition::{ProviderDefinition, RedirectDefinition, RedirectHost};
pub use dialect::{ValueDefinition, ValueSource};
pub use endpoints::Endpoints;
pub use scopes::is_preset_name;
pub use values::Values;

#[cfg(test)]
mod tests;
