//! The changes of a store's connections, one call for each.
//!
//! May not enter: when to look. The core does.

use std::future::Future;
use std::sync::Arc;

use serde_json::Value;
use tokenkeep::{Broker, ConnectionChanges, Result};
use tokio::sync::Mutex;

use crate::records;

/// A stream of changes ([`Broker::connection_changes`]). It ends when it is dropped.
pub struct Changes(Arc<Mutex<ConnectionChanges>>);

impl Changes {
    /// A stream that begins with the connections that there are.
    pub fn begin(broker: &Broker) -> Self {
        Changes(Arc::new(Mutex::new(broker.connection_changes())))
    }

    /// Waits for the next change ([`ConnectionChanges::next`]); its record. To give it up loses none.
    ///
    /// # Errors
    /// Those of the call.
    pub fn next(&self) -> impl Future<Output = Result<Value>> + Send + use<> {
        let changes = Arc::clone(&self.0);
        async move { changes.lock().await.next().await.map(|change| records::connection_change(&change)) }
    }
}
