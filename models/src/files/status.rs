//! Whether the hub answers.

use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use hf_hub::Cache;
use hf_hub::api::sync::ApiBuilder;

use super::HubOptions;

/// The time limit for the hub's answer.
const LIMIT: Duration = Duration::from_secs(5);

/// A small public model to ask the hub about.
const KNOWN_MODEL: &str = "sentence-transformers/all-MiniLM-L6-v2";

/// Whether the hub answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubStatus {
    /// Offline mode: it was not asked.
    Offline,
    /// It answered.
    Answers {
        /// Its address.
        endpoint: String,
    },
    /// It did not answer.
    Silent {
        /// Its address.
        endpoint: String,
        /// The reason.
        reason: String,
    },
}

impl HubOptions {
    /// Asks the hub about a public model, for at most five seconds.
    pub fn status(&self) -> HubStatus {
        if self.offline {
            return HubStatus::Offline;
        }
        let endpoint = self.endpoint.clone().unwrap_or_else(|| super::hub::HUB.to_owned());
        // hf-hub would send a token of its cache to any endpoint.
        let builder = ApiBuilder::from_cache(Cache::new(PathBuf::new()));
        let builder = builder.with_endpoint(endpoint.clone()).with_token(None).with_progress(false);
        let (sender, receiver) = mpsc::channel();
        // A separate thread, since a hung resolver cannot be timed out.
        let asked = std::thread::Builder::new().spawn(move || {
            let info = builder.build().and_then(|api| api.model(KNOWN_MODEL.to_owned()).info());
            // The receiver is gone only after a timeout.
            sender.send(info.map(|_| ()).map_err(|error| error.to_string())).ok();
        });
        if let Err(error) = asked {
            return HubStatus::Silent { endpoint, reason: format!("no thread to ask in: {error}") };
        }
        match receiver.recv_timeout(LIMIT) {
            Ok(Ok(())) => HubStatus::Answers { endpoint },
            Ok(Err(reason)) => HubStatus::Silent { endpoint, reason },
            Err(_) => {
                HubStatus::Silent { endpoint, reason: format!("no answer for {} seconds", LIMIT.as_secs()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_where_nobody_listens_is_silent() {
        let endpoint = "http://127.0.0.1:9".to_owned();
        let options = HubOptions { endpoint: Some(endpoint.clone()), ..HubOptions::default() };
        assert!(matches!(options.status(), HubStatus::Silent { endpoint: asked, .. } if asked == endpoint));
        assert_eq!(HubOptions { offline: true, ..options }.status(), HubStatus::Offline);
    }
}
