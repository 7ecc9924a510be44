//! Keys and models are read again while requests are answered.
//!
//! Each part that cannot be read stays as it is, and an error says why.

use std::convert::Infallible;
use std::sync::Arc;

use nearsay::ErrorKind;

use crate::auth::ApiKeys;
use crate::server::check_access;
use crate::shared::Shared;

/// Reads keys and models again whenever that is asked for. All that ask while it does so get one more reading after it.
pub(crate) async fn whenever_asked(shared: &Arc<Shared>) -> Infallible {
    loop {
        shared.reload.notified().await;
        match tokio::task::block_in_place(|| read_keys(shared)) {
            Ok(keys) => shared.set_keys(keys),
            Err(error) => tracing::error!("the keys were not read again, and stay as they are: {error}"),
        }
        // One after the other: only one model is in memory twice.
        for slot in shared.all_models().all() {
            match slot.reload(shared).await {
                Ok(_) => {}
                // The server is ending.
                Err(error) if error.kind() == ErrorKind::Cancelled => {}
                Err(error) => {
                    let name = slot.name();
                    tracing::error!("the model {name} was not read again, and stays as it is: {error}");
                }
            }
        }
    }
}

fn read_keys(shared: &Shared) -> Result<ApiKeys, crate::Error> {
    let keys = (shared.config.keys)()?;
    check_access(&shared.config, &keys)?;
    Ok(keys)
}
